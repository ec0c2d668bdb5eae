import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { fileStorage } from './file.ts'
import { indexedDbStorage } from './indexeddb.ts'
import { memoryStorage } from './memory.ts'
import { storageContract } from './storage.contract.ts'

const folder = await mkdtemp(join(tmpdir(), 'parley-storage-'))
after(() => rm(folder, { recursive: true }))
let files = 0
const freshFile = (): string => join(folder, `${++files}.jsonl`)

storageContract('memory', async () => {
  const storage = memoryStorage()
  return { storage, again: () => storage }
})
storageContract('indexeddb', async () => {
  const name = `contract-${++files}`
  return { storage: indexedDbStorage(name), again: () => indexedDbStorage(name) }
})
storageContract('file', async () => {
  const path = freshFile()
  return { storage: fileStorage(path), again: () => fileStorage(path) }
})

test('file: a line cut off by a crash is as if it had never been written', async () => {
  const path = freshFile()
  const storage = fileStorage(path)
  await storage.write([['a', 'whole']])
  await storage.close()
  await appendFile(path, '[["a","to')
  const next = fileStorage(path)
  assert.equal(await next.get('a'), 'whole')
  await next.write([['b', 'after']])
  await next.close()
  const last = fileStorage(path)
  assert.deepEqual(await last.list(''), [
    ['a', 'whole'],
    ['b', 'after'],
  ])
  await last.close()
})

test('file: a closed storage leaves the file to the next one', async () => {
  const path = freshFile()
  const storage = fileStorage(path)
  await storage.write([['a', 1]])
  await storage.close()
  await assert.rejects(storage.write([['a', 2]]), /closed/)
  await assert.rejects(storage.get('a'), /closed/)
  const next = fileStorage(path)
  assert.equal(await next.get('a'), 1)
  await next.close()
})

test('file: what was deleted and written over does not fill the disk', async () => {
  const path = freshFile()
  const storage = fileStorage(path)
  const large = 'x'.repeat(200_000)
  for (let n = 0; n < 60; n++) await storage.write([['same', `${n} ${large}`]])
  assert.ok((await stat(path)).size < 5_000_000)
  assert.equal(await storage.get('same'), `59 ${large}`)
  await storage.close()
  const next = fileStorage(path)
  assert.equal(await next.get('same'), `59 ${large}`)
  await next.close()
})
