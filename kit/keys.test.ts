import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { KEY_NAMES, makeKeys, readKeys } from './keys.ts'

function freshPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-keys-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'keys.json')
}

test('keys are made once, differ from each other, and only their owner can read them', (t) => {
  const path = freshPath(t)
  makeKeys(path)
  const keys = readKeys(path, KEY_NAMES)
  assert.equal(new Set(Object.values(keys).map((key) => key.toString('hex'))).size, KEY_NAMES.length)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  makeKeys(path)
  assert.deepEqual(readKeys(path, KEY_NAMES), keys)
})

test('many that make keys at once keep the same ones, and leave no drafts behind', async (t) => {
  const path = freshPath(t)
  const script = `import(${JSON.stringify(new URL('./keys.ts', import.meta.url).href)}).then((k) => {
    k.makeKeys(${JSON.stringify(path)})
    require('node:worker_threads').parentPort.postMessage(k.readKeys(${JSON.stringify(path)}, ['signing']).signing)
  })`
  const workers = Array.from({ length: 4 }, () => new Worker(script, { eval: true }))
  const seen = await Promise.all(
    workers.map(
      (worker) => new Promise<Uint8Array>((resolve, reject) => worker.once('message', resolve).once('error', reject)),
    ),
  )
  await Promise.all(workers.map((worker) => worker.terminate()))
  assert.equal(new Set(seen.map((key) => Buffer.from(key).toString('hex'))).size, 1)
  assert.deepEqual(readdirSync(join(path, '..')), ['keys.json'])
})

test('a service reads only the keys it asks for, and is told what is missing', (t) => {
  const path = freshPath(t)
  const internal = Buffer.alloc(32, 1)
  writeFileSync(path, JSON.stringify({ internal: internal.toString('base64url'), content: 'c2hvcnQ', signing: 7 }))
  assert.deepEqual(readKeys(path, ['internal']), { internal })
  assert.throws(() => readKeys(path, ['internal', 'content', 'signing', 'pepper']), /lacks content, signing, pepper/)
})

test('a key file that is missing or no JSON is refused by its name', (t) => {
  const path = freshPath(t)
  assert.throws(() => readKeys(path, ['internal']), /keys\.json cannot be read/)
  writeFileSync(path, 'a-secret-without-quotes')
  assert.throws(
    () => readKeys(path, ['internal']),
    (error: Error) => !error.message.includes('secret-without'),
  )
  for (const text of ['{', 'null', '7', '"text"', '[]']) {
    writeFileSync(path, text)
    assert.throws(() => readKeys(path, ['internal']), /keys\.json (cannot be read|lacks internal)/, text)
  }
})
