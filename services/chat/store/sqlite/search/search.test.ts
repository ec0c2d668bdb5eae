import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { sendFromChild } from '../../contract/child.ts'
import { message, newGroup, people, say, until } from '../../contract/world.ts'
import type { ChatStore, MessagesFound } from '../../store.ts'
import { gramsIn, metaOf, untilIndexed } from './index.fixture.ts'
import { packPlaces, unpackPlaces } from './postings.ts'
import { smallStore } from './small.fixture.ts'

const ANOTHER = 100

test('places in a segment come back as they were, in few bytes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(8_191), { maxLength: 8_192 }), (some) => {
      const places = some.toSorted((a, b) => a - b)
      const bytes = packPlaces(places, 8_192)
      assert.deepEqual(unpackPlaces(bytes), places)
      assert.ok(bytes.length <= 1 + 8_192 / 8)
    }),
  )
  const all = Array.from({ length: 8_192 }, (_, n) => n)
  assert.deepEqual(unpackPlaces(packPlaces(all, 8_192)), all)
})

test('a process that is killed while it indexes goes on where it was, and finds everything', {
  timeout: 60_000,
}, async (t) => {
  const { path, folder } = await openFolder(t)
  const [ann] = people(1) as [string]
  let store = await smallStore(path)
  const room = await newGroup(store, [ann])
  await store[Symbol.asyncDispose]()
  const child = { module: new URL('small.fixture.ts', import.meta.url).href, factory: 'smallStore', address: path }
  let sealed = -1
  for (const nth of [1, 2, 4]) {
    const env = { PARLEY_CRASH_AT: `search.before-commit:${nth}` }
    const { signal } = await sendFromChild({ ...child, room, sender: ann, env })
    assert.equal(signal, 'SIGKILL', 'it died at that line')
    const meta = metaOf(join(folder, 'search.db'))
    assert.ok(meta.sealed >= sealed, 'what was sealed stays')
    sealed = meta.sealed
  }
  store = await smallStore(path)
  t.after(() => store[Symbol.asyncDispose]())
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `the last ${n}`))
  await untilIndexed(folder)
  const head = (await store.log.findConversation(room.id))!.headSeq
  assert.equal((await all(store, ann, 'from')).length, head - ANOTHER)
  assert.equal((await all(store, ann, 'the last')).length, ANOTHER)
})

for (const [what, spoil] of [
  ['is gone', (path: string) => rm(path)],
  ['is no database', (path: string) => writeFile(path, 'not what it was'.repeat(1_000))],
  ['is cut short', (path: string) => writeFile(path, '')],
  ['was damaged', damage],
  ['is of another log', (path: string) => setMeta(path, 'stamp', '1/64/of-another-log')],
  ['is ahead of the log', (path: string) => setMeta(path, 'sealed', 1_000_000)],
] as const) {
  test(`an index that ${what} is made anew`, async (t) => {
    const { path, folder } = await openFolder(t)
    const index = join(folder, 'search.db')
    const [ann] = people(1) as [string]
    let store = await smallStore(path)
    const room = await newGroup(store, [ann])
    await say(store, room, ann, ...Array.from({ length: 4 * ANOTHER }, (_, n) => `message ${n}`))
    await untilIndexed(folder)
    const before = gramsIn(index)
    await store[Symbol.asyncDispose]()
    for (const more of ['-wal', '-shm']) await rm(index + more, { force: true })
    await spoil(index)
    store = await smallStore(path)
    t.after(() => store[Symbol.asyncDispose]())
    await until(async () => (await all(store, ann, 'message 1')).length === 111)
    await untilIndexed(folder)
    assert.deepEqual(gramsIn(index), before)
    assert.equal((await all(store, ann, 'message')).length, 4 * ANOTHER)
  })
}

test('an index that is damaged while it is in use is made anew', async (t) => {
  const { path, folder } = await openFolder(t)
  const index = join(folder, 'search.db')
  const [ann] = people(1) as [string]
  const store = await smallStore(path)
  t.after(() => store[Symbol.asyncDispose]())
  const room = await newGroup(store, [ann])
  await say(store, room, ann, ...Array.from({ length: 4 * ANOTHER }, (_, n) => `message ${n}`))
  await untilIndexed(folder)
  await damage(index)
  await damage(`${index}-wal`)
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `more ${n}`))
  await until(async () => (await all(store, ann, 'message').catch(() => [])).length === 4 * ANOTHER)
  await until(async () => (await all(store, ann, 'more').catch(() => [])).length === ANOTHER)
})

test('searching makes no message wait, and closing waits for no search', async (t) => {
  const { path } = await openFolder(t)
  const [ann] = people(1) as [string]
  const store = await smallStore(path)
  const room = await newGroup(store, [ann])
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `message ${n}`))
  const searches = Array.from({ length: 80 }, () => store.search.find({ userId: ann, terms: ['message'], limit: 1 }))
  const outcomes = Promise.allSettled(searches)
  assert.equal((await store.log.append(message(room, ann, 'in time'))).outcome, 'appended')
  await store[Symbol.asyncDispose]()
  const refused = (await outcomes).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.ok(refused.length >= 16, 'more than may wait are refused')
  for (const { reason } of refused) assert.equal(reason.code, 'unavailable')
  await assert.rejects(store.search.find({ userId: ann, terms: ['message'], limit: 1 }), { code: 'unavailable' })
})

async function openFolder(t: TestContext): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-search-'))
  t.after(() => rm(folder, { recursive: true }))
  return { folder, path: join(folder, 'chat.db') }
}

async function all(store: ChatStore, userId: string, term: string): Promise<MessagesFound['messages']> {
  const found: MessagesFound['messages'] = []
  for (let below: string | undefined; ; ) {
    const page = await store.search.find({ userId, terms: [term], limit: 500, ...(below && { below }) })
    found.push(...page.messages)
    below = page.next
    if (below === undefined) return found
  }
}

/** Everything behind the first page of the file, where its tables begin. */
async function damage(path: string): Promise<void> {
  const { open } = await import('node:fs/promises')
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const length = Math.max(0, size - 4_096)
    await file.write(Buffer.alloc(length, 0xa5), 0, length, 4_096)
  } finally {
    await file.close()
  }
}

async function setMeta(path: string, name: string, value: string | number): Promise<void> {
  using index = new DatabaseSync(path)
  index.prepare('UPDATE meta SET value = ? WHERE name = ?').run(value, name)
}
