import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
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
