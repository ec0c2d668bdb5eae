import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Outcome, openLanes } from './lanes.ts'

/** A server as the real one promises to be: takes what comes in order, and after a refusal nothing of that lane but the refused one. */
function openServer(fates: readonly ('take' | 'refuse' | 'silent')[]) {
  const stored: string[] = []
  const refused = new Map<string, string>()
  let asked = 0
  return {
    stored,
    receive(id: string, lane: string): Outcome {
      const fate = fates[asked++] ?? 'take'
      if (stored.includes(id)) return { again: false }
      if (refused.has(lane) && refused.get(lane) !== id) return { again: true }
      refused.delete(lane)
      if (fate === 'refuse') {
        refused.set(lane, id)
        return { again: true, afterMs: 1, all: asked % 2 === 0 }
      }
      stored.push(id)
      // It is stored, and the device does not hear of it.
      return { again: fate === 'silent' }
    },
  }
}

test('messages of a lane arrive in order and once, whatever is refused or goes unanswered', async () => {
  const fate = fc.constantFrom('take' as const, 'refuse' as const, 'silent' as const)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 25, size: 'max' }),
      fc.array(fate, { maxLength: 12, size: 'max' }),
      async (laneOf, fates) => {
        const items = laneOf.map((lane, n) => ({ id: `${lane}${n}`, lane }))
        const waiting = new Map(items.map((item) => [item.id, item]))
        const server = openServer(fates)
        const all = Promise.withResolvers<void>()
        let underWay = 0
        const lanes = openLanes({
          window: 4,
          next: () => [...waiting.values()],
          stopped: () => false,
          pause: { base: 2, cap: 4 },
          async send(id) {
            assert.ok(++underWay <= 4, 'no more at once than the window')
            // Over one connection the server gets them in the order they were sent.
            const outcome = server.receive(id, waiting.get(id)!.lane)
            await new Promise((resolve) => setImmediate(resolve))
            underWay--
            if (!outcome.again) waiting.delete(id)
            if (waiting.size === 0) all.resolve()
            return outcome
          },
        })
        lanes.pump()
        await all.promise
        for (const lane of ['a', 'b', 'c'])
          assert.deepEqual(
            server.stored.filter((id) => id.startsWith(lane)),
            items.filter((item) => item.lane === lane).map(({ id }) => id),
          )
        lanes.stop()
      },
    ),
    { numRuns: 60 },
  )
})

test('a new connection begins at once with the oldest, and what the old one says no longer counts', async () => {
  const sent: string[] = []
  const answers: ((outcome: Outcome) => void)[] = []
  const lanes = openLanes({
    window: 4,
    next: () => ['1', '2', '3'].map((id) => ({ id, lane: 'a' })),
    stopped: () => false,
    send(id) {
      sent.push(id)
      return new Promise((resolve) => answers.push(resolve))
    },
  })
  lanes.pump()
  assert.deepEqual(sent, ['1', '2', '3'])
  lanes.reset()
  assert.deepEqual(sent, ['1', '2', '3', '1', '2', '3'])
  for (const answer of answers.slice(0, 3)) answer({ again: true })
  await new Promise((resolve) => setImmediate(resolve))
  lanes.pump()
  assert.equal(sent.length, 6, 'nothing is sent twice over one connection')
  lanes.stop()
})
