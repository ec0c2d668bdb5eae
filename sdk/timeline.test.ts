import assert from 'node:assert/strict'
import test from 'node:test'
import type { Entry } from '@parley/protocol/conversation'
import fc from 'fast-check'
import { denseSuffix, heardOf, isBehind, prepend, receive, startAt } from './timeline.ts'

const entry = (rev: number): Entry => ({
  kind: 'message',
  conversationId: 'c',
  id: `m${rev}`,
  senderId: 'u',
  createdAt: '2026-01-01T00:00:00.000Z',
  rev,
  seq: rev,
  headSeq: rev,
  membersRev: 1,
  text: String(rev),
})

/** What happens to a device: an event comes (again, late, or never), or it fetches a page of the log as it is then. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('event' as const), rev: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('page' as const), limit: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('heard' as const), rev: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 5 }) }) },
)

test('whatever is lost, doubled or comes out of order, a device that fetches ends with the log as it is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      let head = 3
      let position = startAt(0)
      const shown: number[] = []
      const take = (entries: Entry[]): void => {
        const next = receive(position, entries)
        position = next.position
        shown.push(...next.applied.map(({ rev }) => rev))
      }
      const page = (limit: number): Entry[] =>
        Array.from({ length: Math.min(limit, head - position.rev) }, (_, n) => entry(position.rev + 1 + n))
      for (const one of steps) {
        if (one.kind === 'grow') head = Math.min(60, head + one.by)
        if (one.kind === 'event' && one.rev <= head) take([entry(one.rev)])
        if (one.kind === 'page') take(page(one.limit))
        if (one.kind === 'heard' && one.rev <= head) position = heardOf(position, one.rev)
        // Only what was applied is durable; what waits for its turn is lost with the process.
        if (one.kind === 'restart') position = startAt(position.rev, position.headRev)
        assert.deepEqual(
          shown,
          shown.map((_, n) => n + 1),
          'what is shown is dense and in order at every moment',
        )
      }
      position = heardOf(position, head)
      while (isBehind(position)) take(page(20))
      assert.equal(shown.length, head)
      assert.equal(position.rev, head)
    }),
    { numRuns: 300 },
  )
})

test('a flood of early entries is not kept without bound, and still nothing is missing in the end', () => {
  let position = startAt(0)
  for (let rev = 3_000; rev > 1; rev--) position = receive(position, [entry(rev)]).position
  assert.ok(position.early.size <= 500)
  assert.equal(position.headRev, 3_000)
  const all = receive(
    position,
    Array.from({ length: 3_000 }, (_, n) => entry(n + 1)),
  )
  assert.deepEqual(
    all.applied.map(({ rev }) => rev),
    Array.from({ length: 3_000 }, (_, n) => n + 1),
  )
})

test('older pages join the window only where they meet it', () => {
  const messages = (from: number, to: number): { seq: number }[] =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => ({ seq: from + n }))
  assert.deepEqual(prepend(messages(8, 10), messages(3, 7), 10), messages(3, 10))
  assert.deepEqual(prepend(messages(8, 10), messages(3, 9), 10), messages(3, 10))
  assert.deepEqual(prepend(messages(8, 10), messages(1, 5), 10), messages(8, 10))
  assert.deepEqual(prepend([], messages(4, 10), 10), messages(4, 10))
  assert.deepEqual(prepend([], messages(4, 9), 10), [])
  assert.deepEqual(prepend(messages(8, 10), [...messages(1, 3), ...messages(6, 7)], 10), messages(6, 10))
  assert.deepEqual(denseSuffix(messages(1, 5), 5), messages(1, 5))
  assert.deepEqual(denseSuffix(messages(1, 4), 5), [])
})
