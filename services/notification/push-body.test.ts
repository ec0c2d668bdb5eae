import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answersOf } from './answers.ts'
import type { Decision } from './decision.ts'
import { bodyOf } from './push-body.ts'
import { aboutOf, type PushNote, shownOf, upToOf } from './push-note.ts'
import { BODY_BYTES } from './web-push.ts'

const NOTE: PushNote = {
  ...{ deviceId: 'd', conversationId: '0197f0a0-0000-7000-8000-000000000001', kind: 'group', title: 'Tea' },
  ...{ seq: 5, sender: 'Ann', text: 'hello', because: 'message', count: 2 },
}
/** Characters as people see them. */
const charactersOf = (text: string): string[] =>
  [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment)

test('a push fits what every push service takes, and is cut between two characters', () => {
  const unit = fc.oneof(
    fc.constantFrom('👩‍👩‍👧‍👦', 'e\u0301', '"', '\\', '\n', '界', 'a'),
    fc.string({ unit: 'grapheme', maxLength: 1 }),
  )
  const text = fc
    .oneof(fc.array(unit), fc.array(unit, { minLength: 500, maxLength: 3_000, size: 'max' }))
    .map((all) => all.join(''))
  fc.assert(
    fc.property(text, (said) => {
      const body = bodyOf({ ...NOTE, text: said, title: '界'.repeat(100) }, 'full', BODY_BYTES)
      assert.ok(Buffer.byteLength(JSON.stringify(body)) <= BODY_BYTES)
      if (body.text === said) return
      assert.ok(body.text!.endsWith('…'))
      const kept = charactersOf(said.slice(0, body.text!.length - 1))
      assert.equal(kept.join(''), body.text!.slice(0, -1))
      assert.deepEqual(charactersOf(said).slice(0, kept.length), kept)
    }),
    { numRuns: 200 },
  )
  assert.equal(bodyOf({ ...NOTE, text: 'x'.repeat(100) }, 'full', BODY_BYTES).text, 'x'.repeat(100))
})

test('what a device is told of a conversation is shown in one place, and its own', () => {
  const [one, other] = ['0197f0a0-0000-7000-8000-000000000001', '0197f0a0-0000-7000-8000-000000000002']
  const { topic, upTo } = shownOf(one, 10, 'd')
  assert.equal(upTo, 10)
  assert.equal(upToOf(aboutOf(one, 10)), 10)
  assert.equal(shownOf(one, 9, 'd').topic, topic)
  for (const elsewhere of [shownOf(other, 10, 'd'), shownOf(one, 10, 'e')]) assert.notEqual(elsewhere.topic, topic)
})

test('answers are kept in runs of messages, each user in one of each message', () => {
  const answers: Decision[] = [
    { outcome: 'push', because: 'message' },
    { outcome: 'push', because: 'mention' },
    { outcome: 'none', reason: 'read' },
  ]
  const decisions = fc.array(fc.constantFrom(...answers), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(decisions),
      (from, skipped, all) => {
        const count = Math.min(...all.map((one) => one.length), 8)
        const messages = Array.from({ length: count }, (_, n) => ({
          ...{ seq: from + skipped + n, senderId: 's', sender: 's', createdAt: '', text: '' },
        }))
        const verdicts = all.map((one, n) => ({ userId: `u${n}`, devices: [], decisions: one.slice(0, count) }))
        const kept = answersOf(messages, verdicts, from)
        for (const { userId, decisions: own } of verdicts)
          for (let seq = from; seq < from + skipped + count; seq++) {
            const found = kept.filter((one) => one.fromSeq <= seq && seq <= one.toSeq && one.userIds.includes(userId))
            const decision = own[Math.max(0, seq - from - skipped)]!
            assert.deepEqual(
              found.map(({ answer }) => answer),
              [decision.outcome === 'push' ? decision.because : decision.reason],
            )
          }
      },
    ),
    { numRuns: 300 },
  )
})
