import assert from 'node:assert/strict'
import test from 'node:test'
import { openKeeper } from './keeper.ts'
import { memoryStorage } from './memory.ts'
import type { DeviceStorage } from './types.ts'

test('what is saved in one turn is written in one piece', async () => {
  const writes: string[][] = []
  const keeper = openKeeper(watched(writes))
  void keeper.save([['a', 1]])
  await keeper.save([['b', 2]])
  assert.deepEqual(writes, [['a', 'b']])
  await keeper.stop(false)
})

test('every save is told when it is durable, however saves and writes fall together', async () => {
  const storage = memoryStorage()
  const keeper = openKeeper(storage)
  for (let n = 0; n < 200; n++) {
    const saved = [keeper.save([[`a${n}`, n]]), Promise.resolve().then(() => keeper.save([[`b${n}`, n]]))]
    for (let turns = 0; turns < n % 7; turns++) await Promise.resolve()
    saved.push(keeper.save([[`c${n}`, n]]), keeper.flush())
    await Promise.all(saved)
    assert.equal(await storage.get(`b${n}`), n)
  }
  await keeper.stop(false)
})

test('a write that fails is tried again, with what came meanwhile, and nothing later lands before it', async (t) => {
  t.mock.method(console, 'error', () => {})
  const inner = memoryStorage()
  let failures = 2
  const keeper = openKeeper({
    ...inner,
    async write(changes) {
      if (failures-- > 0) throw new Error('disk full')
      await inner.write(changes)
    },
  })
  const first = keeper.save([
    ['a', 'old'],
    ['b', 1],
  ])
  await Promise.resolve()
  await Promise.resolve()
  const second = keeper.save([['a', 'new']])
  await Promise.all([first, second])
  assert.deepEqual(await inner.list(''), [
    ['a', 'new'],
    ['b', 1],
  ])
  await keeper.stop(false)
})

test('stopping writes what waits, or drops it, and takes nothing more', async () => {
  for (const drop of [false, true]) {
    const storage = memoryStorage()
    const keeper = openKeeper(storage)
    void keeper.save([['a', 1]])
    await keeper.stop(drop)
    void keeper.save([['b', 2]])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await storage.list(''), drop ? [] : [['a', 1]])
  }
})

function watched(writes: string[][]): DeviceStorage {
  const inner = memoryStorage()
  return {
    ...inner,
    async write(changes) {
      writes.push(changes.map(([key]) => key))
      await inner.write(changes)
    },
  }
}

test('what is dropped while an earlier write is under way is never said to be durable', async () => {
  const inner = memoryStorage()
  const disk = Promise.withResolvers<void>()
  const writing = Promise.withResolvers<void>()
  const keeper = openKeeper({
    ...inner,
    async write(changes) {
      writing.resolve()
      await disk.promise
      await inner.write(changes)
    },
  })
  const told: string[] = []
  void keeper.save([['first', 1]]).then(() => told.push('first'))
  await writing.promise
  void keeper.save([['second', 2]]).then(() => told.push('second'))
  const stopped = keeper.stop(true)
  disk.resolve()
  await stopped
  await new Promise((turn) => setImmediate(turn))
  assert.deepEqual(await inner.list(''), [['first', 1]])
  assert.deepEqual(told, ['first'])
})
