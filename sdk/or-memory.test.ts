import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openDB } from 'idb'
import { indexedDbStorage } from './indexeddb.ts'
import { memoryStorage } from './memory.ts'
import { orMemory } from './or-memory.ts'
import { openParley, register, settled, signIn, texts } from './parley.fixture.ts'
import { storageContract } from './storage.contract.ts'

let names = 0
const freshName = (): string => `or-memory-${++names}`

storageContract('indexeddb, or memory', async () => {
  const name = freshName()
  return { storage: orMemory(indexedDbStorage(name)), again: () => orMemory(indexedDbStorage(name)) }
})

/** Nothing of what the storage warns of is missed, and nothing of it is in the output. */
function warnings(t: TestContext): () => number {
  const warned = t.mock.method(console, 'warn', () => {})
  return () => warned.mock.callCount()
}

test('what does not open, from whatever cause, is memory from the first use on, that no tab shares', {
  timeout: 20_000,
}, async (t) => {
  const warned = warnings(t)
  const newer = freshName()
  const ahead = await openDB(newer, 2, { upgrade: (db) => void db.createObjectStore('other') })
  const foreign = freshName()
  const empty = await openDB(foreign, 1)
  empty.close()
  const blocked = freshName()
  const before = await openDB(blocked, 1, { upgrade: (db) => void db.createObjectStore('kept') })
  // Waits for the one before to close, and so does whoever comes later.
  const upgrade = openDB(blocked, 2)
  for (const name of [newer, foreign, blocked]) {
    const storage = orMemory(indexedDbStorage(name), 300)
    assert.deepEqual([storage.lasting.get(), storage.sharedAs], [true, name])
    await storage.write([['a', 1]])
    assert.deepEqual([storage.lasting.get(), storage.sharedAs], [false, undefined], name)
    assert.deepEqual(await storage.list(''), [['a', 1]])
    await storage.close()
  }
  assert.equal(warned(), 3)
  ahead.close()
  before.close()
  ;(await upgrade).close()
})

test('a disk that is full is memory where nothing was kept, and never where something is', async (t) => {
  warnings(t)
  const full = () => {
    const kept = memoryStorage()
    return {
      ...kept,
      fill: () => kept.write([['outbox', 'unsent']]),
      write: () => Promise.reject(new Error('QuotaExceeded')),
    }
  }
  const fresh = orMemory(full())
  await fresh.write([['a', 1]])
  assert.deepEqual([await fresh.get('a'), fresh.lasting.get()], [1, false])
  const used = full()
  await used.fill()
  const storage = orMemory(used)
  assert.equal(await storage.get('outbox'), 'unsent')
  await assert.rejects(storage.write([['a', 1]]), /QuotaExceeded/)
  assert.equal(storage.lasting.get(), true)
})

test('a client whose storage does not open signs in, sends and receives for as long as it lives', {
  timeout: 30_000,
}, async (t) => {
  warnings(t)
  const parley = await openParley(t)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const name = freshName()
  const ahead = await openDB(name, 2)
  t.after(() => ahead.close())
  const storage = orMemory(indexedDbStorage(name))
  const client = await signIn(t, parley, ann, { storage })
  const { id } = await client.openDirect(bob.id)
  await client.send({ conversationId: id }, 'from memory')
  await settled(client)
  assert.deepEqual(await texts(client, id), ['from memory'])
  assert.equal(storage.lasting.get(), false)
})
