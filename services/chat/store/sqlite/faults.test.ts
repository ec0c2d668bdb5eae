import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { asFault } from '@parley/kit/fault'
import { assertKept, sendFromChild } from '../contract/child.ts'
import {
  appended,
  group,
  membership,
  message,
  newGroup,
  newId,
  people,
  persist,
  say,
  wholeLog,
} from '../contract/world.ts'
import { sqliteStore } from '../sqlite.ts'
import type { ChatStore, Draft } from '../store.ts'

/** What only this store can meet: crashes between two lines of its writer, locks, disks and damaged files. */

const child = { module: new URL('../sqlite.ts', import.meta.url).href, factory: 'sqliteStore' }

for (const point of [
  'append.before-begin',
  'append.after-begin',
  'append.before-commit',
  'append.after-commit',
  'marks.before-commit',
  'inbox.before-raise',
]) {
  test(`nothing acknowledged is lost by a crash at ${point}`, { timeout: 30_000 }, async (t) => {
    const { path, store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    await store[Symbol.asyncDispose]()
    const env = { PARLEY_CRASH_AT: `${point}:9` }
    const { acked, signal } = await sendFromChild({ ...child, address: path, room, sender: ann, env })
    assert.equal(signal, 'SIGKILL', 'the point was passed')
    assert.ok(acked.length > 0)
    await assertKept(await reopen(t, path), room, ann, acked)
  })
}

test('a first start that crashed in the middle of making the tables is made good by the next', async (t) => {
  const path = await freshPath(t)
  const room = { id: newId(), membersRev: 1 }
  const env = { PARLEY_CRASH_AT: 'migration.middle:7' }
  const { signal } = await sendFromChild({ ...child, address: path, room, sender: newId(), env })
  assert.equal(signal, 'SIGKILL')
  const store = await reopen(t, path)
  assert.match(store.epoch, /^[0-9a-f]{32}$/)
  await newGroup(store, people(2))
})

test('times do not go back with the clock, unless it was quite wrong', async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  const [first] = await say(store, room, ann, 'one')
  await store[Symbol.asyncDispose]()
  const moved = async (byMs: number): Promise<void> => {
    using db = new DatabaseSync(path)
    db.exec(`UPDATE messages SET at = ${Date.parse(first!.createdAt) + byMs} WHERE seq = 1`)
  }
  await moved(600_000)
  const again = await reopen(t, path)
  const [second] = await say(again, room, ann, 'two')
  assert.equal(Date.parse(second!.createdAt), Date.parse(first!.createdAt) + 600_000)
  await again[Symbol.asyncDispose]()
  await moved(600_000)
  {
    using db = new DatabaseSync(path)
    db.exec('UPDATE messages SET at = at + 86400000')
  }
  const [third] = await say(await reopen(t, path), room, ann, 'three')
  assert.ok(Date.parse(third!.createdAt) < Date.now() + 1_000)
})

test('after an I/O error nothing more is acknowledged until the store is opened again', {
  timeout: 30_000,
}, async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  await store[Symbol.asyncDispose]()
  const sent = await sendFromChild({ ...child, address: path, room, sender: ann, fileBlocks: 1_000 })
  assert.ok(sent.acked.length > 0 && sent.refused.length >= 60)
  assert.ok(sent.refused.every(({ code, healthy }) => code === 'unavailable' && !healthy))
  assert.match(sent.refused.at(-1)!.message, /must be opened again/)
  await assertKept(await reopen(t, path), room, ann, sent.acked)
})

test('what can never be stored is refused as a defect; in its conversation nothing overtakes it, and all else is stored', async (t) => {
  const { path, store } = await open(t)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann])
  await say(store, room, ann, 'before')
  using other = new DatabaseSync(path)
  other.exec(
    `CREATE TRIGGER never BEFORE INSERT ON messages WHEN new.text = 'poison' BEGIN SELECT raise(ABORT, 'never'); END`,
  )
  const [one, poison, two] = ['one', 'poison', 'two'].map((text) => message(room, ann, text)) as [Draft, Draft, Draft]
  const calls = [
    ...[one, poison, two].map((draft) => store.log.append(draft)),
    store.marks.raise({ conversationId: room.id, userId: ann, readSeq: 1 }),
    store.log.append(group([bob], 'In the same round')),
    store.people.put({ id: bob, username: 'bob' }),
  ]
  const outcomes = (await Promise.allSettled(calls)).map((call) =>
    call.status === 'fulfilled' ? 'stored' : asFault(call.reason).code,
  )
  assert.deepEqual(outcomes, ['stored', 'internal', 'unavailable', 'stored', 'stored', 'stored'])
  assert.equal(store.healthy, true)
  assert.deepEqual(
    (await wholeLog(store, room.id)).map(({ rev, kind, id }) => [rev, kind, id === one.id]),
    [
      [1, 'created', false],
      [2, 'message', false],
      [3, 'message', true],
    ],
  )
  assert.equal((await store.marks.read(room.id))[0]?.readSeq, 1)
  assert.equal((await store.inbox.conversationIds(bob, 10)).length, 1)
  await assert.rejects(store.log.append(poison), (error) => asFault(error).code === 'internal')
  appended(await store.log.append(two))
  other.exec('DROP TRIGGER never')
  assert.equal(appended(await store.log.append(poison)).rev, 5)
})

test('of very many that come together only those that can never be stored are refused, each conversation in its order', async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const rooms = await Promise.all(Array.from({ length: 20 }, () => newGroup(store, [ann])))
  using other = new DatabaseSync(path)
  other.exec(
    `CREATE TRIGGER never BEFORE INSERT ON messages WHEN new.text = 'poison' BEGIN SELECT raise(ABORT, 'never'); END`,
  )
  const sends = rooms.flatMap((_, room) =>
    Array.from({ length: 10 }, (_, at) => ({ room, text: room < 3 && at === 2 * room ? 'poison' : `${at}` })),
  )
  const refusals = await Promise.all(
    sends.map(({ room, text }) =>
      store.log.append(message(rooms[room]!, ann, text)).then(
        () => 'stored',
        (error) => asFault(error).code,
      ),
    ),
  )
  for (const [n, room] of rooms.entries()) {
    const own = refusals.filter((_, at) => sends[at]!.room === n)
    const before = n < 3 ? 2 * n : 10
    const expected = Array.from({ length: 10 }, (_, at) =>
      at < before ? 'stored' : at === before ? 'internal' : 'unavailable',
    )
    assert.deepEqual(own, expected)
    const texts = (await wholeLog(store, room.id)).slice(1).map((entry) => entry.kind === 'message' && entry.text)
    assert.deepEqual(
      texts,
      Array.from({ length: before }, (_, at) => `${at}`),
    )
  }
})

test('while another process holds the file sends are refused, and afterwards they go on', async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const draft = message(room, ann, 'later')
  await assert.rejects(store.log.append(draft), { code: 'unavailable' })
  assert.equal((await store.log.findConversation(room.id))?.rev, 1, 'reading goes on')
  other.exec('COMMIT')
  appended(await store.log.append(draft))
  assert.equal(store.healthy, true)
})

test('what was sent behind a refused message is refused too, in its conversation only', async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const [room, elsewhere] = [await newGroup(store, [ann]), await newGroup(store, [ann])]
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const first = store.log.append(message(room, ann, 'first'))
  // The first is with the writer, which waits for the file; these form the next round.
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  const second = store.log.append(message(room, ann, 'second'))
  const unconcerned = store.log.append(message(elsewhere, ann, 'unconcerned'))
  second.catch(() => undefined)
  await assert.rejects(first, { code: 'unavailable' })
  other.exec('COMMIT')
  await assert.rejects(second, { code: 'unavailable' }, 'it would overtake the first')
  appended(await unconcerned)
  assert.equal((await wholeLog(store, room.id)).length, 1)
})

test('a file that two processes write to, against the rules, stays whole', async (t) => {
  const { path, store } = await open(t)
  const other = await reopen(t, path)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann])
  for (let turn = 0; turn < 10; turn++) {
    const texts = Array.from({ length: 20 }, (_, n) => `${turn} ${n}`)
    const drafts = texts.map((text) => message(room, ann, text))
    await Promise.all(drafts.flatMap((draft, n) => [persist(n % 2 ? store : other, draft), persist(store, draft)]))
  }
  await assertKept(await reopen(t, path), room, ann, [])
  assert.equal((await wholeLog(other, room.id)).length, 202)

  const both = await newGroup(store, [ann, bob])
  appended(await other.log.append(membership('members.removed', both, ann, [bob])))
  assert.deepEqual(await store.log.append(message(both, bob, 'too late')), { outcome: 'stale' })
})

test('without the unique indexes that promises rest on the store does not start', async (t) => {
  const { path, store } = await open(t)
  await store[Symbol.asyncDispose]()
  for (const index of ['message_seq', 'message_id', 'change_rev', 'change_id', 'conversation_id', 'inbox_stamp']) {
    const damaged = `${path}-${index}`
    await copyFile(path, damaged)
    using db = new DatabaseSync(damaged)
    db.exec(`DROP INDEX ${index}`)
    await assert.rejects(sqliteStore(damaged), /unique index .* is missing/)
  }
})

test('data of a newer Parley, a damaged file and a missing folder are refused with a reason', async (t) => {
  const { path, store } = await open(t)
  await store[Symbol.asyncDispose]()
  const newer = `${path}-newer`
  await copyFile(path, newer)
  {
    using db = new DatabaseSync(newer)
    db.exec('PRAGMA user_version = 1000')
  }
  await assert.rejects(sqliteStore(newer), /newer Parley/)
  await writeFile(`${path}-damaged`, 'not a database at all, '.repeat(1_000))
  await assert.rejects(sqliteStore(`${path}-damaged`), /cannot be used: file is not a database/)
  await assert.rejects(sqliteStore(join(path, 'nowhere', 'chat.db')), /cannot be used/)
})

test('a closed store leaves one file that is whole by itself', async (t) => {
  const { path, store } = await open(t)
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  await say(store, room, ann, 'one')
  await store[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await assert.rejects(store.log.readMessages(room.id, 1, 1), { code: 'unavailable' })
  const copy = `${path}-copy`
  await copyFile(path, copy)
  assert.equal((await wholeLog(await reopen(t, copy), room.id)).length, 2)
})

test('an id that is no UUID costs its own caller only', async (t) => {
  const { store } = await open(t)
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  const good = store.log.append(message(room, ann, 'good'))
  await assert.rejects(store.log.append(message(room, ann, 'bad', 'not an id')), TypeError)
  await assert.rejects(store.marks.raise({ conversationId: 'nor this', userId: ann, readSeq: 1 }), TypeError)
  await assert.rejects(store.people.put({ id: 'nor this', username: 'x' }), TypeError)
  await assert.rejects(store.presence.connect({ nodeId: '1', socketId: '1', userId: 'nor this' }), TypeError)
  appended(await good)
})

async function open(t: TestContext): Promise<{ path: string; store: ChatStore }> {
  const path = await freshPath(t)
  return { path, store: await reopen(t, path) }
}

async function reopen(t: TestContext, path: string): Promise<ChatStore> {
  return closing(t).use(await sqliteStore(path))
}

async function freshPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-chat-'))
  closing(t).defer(() => rm(folder, { recursive: true }))
  return join(folder, 'chat.db')
}

const stacks = new WeakMap<TestContext, AsyncDisposableStack>()

/** Closes what was opened last first: a folder goes when nothing writes there any more. */
function closing(t: TestContext): AsyncDisposableStack {
  const known = stacks.get(t)
  if (known) return known
  const stack = new AsyncDisposableStack()
  stacks.set(t, stack)
  t.after(() => stack.disposeAsync())
  return stack
}
