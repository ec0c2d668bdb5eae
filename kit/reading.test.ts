import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openReading } from './reading.ts'

/** A reading whose ends the test decides on. */
function gated() {
  const ends: PromiseWithResolvers<void>[] = []
  const reading = openReading(() => {
    ends.push(Promise.withResolvers<void>())
    return ends.at(-1)!.promise
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return { ends, reading, turn }
}

test('whoever asks while something is read is answered by a reading that began afterwards, one for all of them', async () => {
  const { ends, reading, turn } = gated()
  let answered = 0
  const ask = () => reading.read().then(() => answered++)
  const first = ask()
  const later = [ask(), ask()]
  ends[0]!.resolve()
  await turn()
  assert.deepEqual([ends.length, answered], [2, 0], 'it is read once more before anybody is told')
  ends[1]!.resolve()
  await Promise.all([first, ...later])
  assert.equal(ends.length, 2)
  const again = ask()
  assert.equal(ends.length, 3)
  ends[2]!.resolve()
  await again
})

test('closing waits for what is read, and begins nothing more', async () => {
  const { ends, reading, turn } = gated()
  const asked = [reading.read(), reading.read()]
  let closed = false
  const closing = reading.close().then(() => {
    closed = true
  })
  await turn()
  assert.equal(closed, false)
  ends[0]!.resolve()
  await Promise.all([closing, ...asked])
  await reading.read()
  assert.equal(ends.length, 1)
})

test('a reading that fails is told to who waits for it, and the next begins anew', async () => {
  const { ends, reading } = gated()
  const asked = reading.read()
  ends[0]!.reject(new Error('no'))
  await assert.rejects(asked, /no/)
  const next = reading.read()
  ends[1]!.resolve()
  await next
})
