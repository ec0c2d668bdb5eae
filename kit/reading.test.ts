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
  const answered: string[] = []
  const ask = (name: string) => reading.read().then(() => answered.push(name))
  const first = ask('first')
  const later = [ask('later'), ask('later')]
  ends[0]!.resolve()
  await turn()
  assert.deepEqual(answered, ['first'])
  assert.equal(ends.length, 2, 'it is read once more before the others are told')
  ends[1]!.resolve()
  await Promise.all([first, ...later])
  assert.equal(ends.length, 2)
  const again = ask('again')
  assert.equal(ends.length, 3)
  ends[2]!.resolve()
  await again
})

test('whoever waits is told in time, though it is asked for again and again', async () => {
  const { ends, reading, turn } = gated()
  let answered = 0
  for (let asked = 1; asked <= 5; asked++) {
    void reading.read().then(() => answered++)
    await turn()
    if (asked > 1) ends[asked - 2]!.resolve()
    await turn()
    assert.deepEqual([ends.length, answered], [asked, asked - 1])
  }
  ends.at(-1)!.resolve()
  await turn()
  assert.equal(answered, 5)
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

test('who asks just as a reading ends does not begin a second one beside that which follows', async () => {
  let atOnce = 0
  let most = 0
  let count = 0
  const reading = openReading(async () => {
    count++
    most = Math.max(most, ++atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce--
  })
  const more: Promise<void>[] = []
  const first = reading.read()
  const asked = [
    first,
    reading.read(),
    first.then(() => reading.read()),
    first.finally(() => more.push(reading.read())),
  ]
  await Promise.all(asked)
  await Promise.all(more)
  assert.equal(most, 1)
  assert.ok(count <= 3)
})
