import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atMostEach } from './at-most-each.ts'

test('what was asked a moment ago is not asked again, by however many at once, and a refusal counts as an answer', async (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const turns: PromiseWithResolvers<number>[] = []
  const ask = atMostEach(1_000, () => {
    const turn = Promise.withResolvers<number>()
    turns.push(turn)
    return turn.promise
  })
  const early = [ask(), ask()]
  now = 999
  early.push(ask())
  turns[0]!.resolve(1)
  assert.deepEqual(await Promise.all(early), [1, 1, 1])
  now = 1_000
  const late = ask()
  turns[1]!.reject(new Error('away'))
  await assert.rejects(late, /away/)
  now = 1_999
  await assert.rejects(ask(), /away/)
  now = 2_000
  const last = ask()
  turns[2]!.resolve(3)
  assert.deepEqual([await last, turns.length], [3, 3])
})
