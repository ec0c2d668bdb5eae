import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { type Document, MongoClient } from 'mongodb'
import { mongoStore } from './mongo.ts'
import { openCollections } from './mongo-schema.ts'
import { account, session, userStoreContract } from './store.contract.ts'

userStoreContract('mongodb', async () => {
  const url = await infra.mongodb()
  return () => mongoStore(url)
})

async function connect(t: TestContext, url: string): Promise<MongoClient> {
  const client = new MongoClient(url)
  t.after(() => client.close())
  return client
}

/** Another process on the database, ready for its job; `go` starts it. */
async function contender(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(
    process.execPath,
    [new URL('./mongo.fixture.ts', import.meta.url).pathname, ...args],
    {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready')
  return {
    go: () => void child.stdin!.write('go\n'),
    outcomes: async (): Promise<unknown[]> => JSON.parse((await lines.next()).value ?? '[]'),
    ended: async (): Promise<string | null> =>
      child.exitCode !== null || child.signalCode !== null ? child.signalCode : (await once(child, 'exit'))[1],
  }
}

test('of several processes that register one name at once, exactly one succeeds', { timeout: 60_000 }, async (t) => {
  const url = await infra.mongodb()
  await using store = await mongoStore(url)
  const racers = await Promise.all([1, 2, 3].map(() => contender(t, [url, 'register', '10'])))
  for (const racer of racers) racer.go()
  const outcomes = (await Promise.all(racers.map((racer) => racer.outcomes()))).flat()
  assert.equal(outcomes.length, 30)
  assert.equal(outcomes.filter((outcome) => outcome === 'added').length, 1)
  assert.equal(outcomes.filter((outcome) => outcome === 'name.taken').length, 29)
  assert.equal(await store.users.count(10), 1)
})

test('the control log stays gapless while several processes revoke', { timeout: 60_000 }, async (t) => {
  const url = await infra.mongodb()
  await using store = await mongoStore(url)
  const ann = randomUUID()
  const mine = Array.from({ length: 30 }, () => session(ann))
  for (const each of mine) await store.sessions.add(each)
  // Each session is revoked by two of the three processes.
  const parts = [0, 1, 2].map((p) => mine.filter((_, i) => i % 3 !== p).map((each) => each.id))
  const racers = await Promise.all(parts.map((ids) => contender(t, [url, 'revoke', ann, ...ids])))
  for (const racer of racers) racer.go()
  const outcomes = (await Promise.all(racers.map((racer) => racer.outcomes()))).flat()
  assert.equal(outcomes.filter((outcome) => outcome === true).length, 30)
  const entries = await store.control.read(0, 100)
  assert.deepEqual(
    entries.map((entry) => entry.n),
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  assert.deepEqual(await store.sessions.list(ann), [])
})

test('a revocation that a crash left half done is finished by the next process', { timeout: 60_000 }, async (t) => {
  const url = await infra.mongodb()
  const ann = randomUUID()
  const own = session(ann)
  {
    await using store = await mongoStore(url)
    await store.sessions.add(own)
    const dying = await contender(t, [url, 'revoke', ann, own.id], { PARLEY_CRASH_AT: 'revoke.before-log' })
    dying.go()
    assert.equal(await dying.ended(), 'SIGKILL')
    assert.equal(await store.control.head(), 0)
    assert.equal(await store.sessions.find(own.id), undefined, 'it reads as revoked at once')
    assert.deepEqual(await store.sessions.list(ann), [])
    assert.equal(await store.sessions.revoke(ann, own.id, 'logout'), false, 'revoking it again finishes it')
    assert.equal(await store.control.head(), 1)
  }
  const other = session(ann)
  {
    await using store = await mongoStore(url)
    await store.sessions.add(other)
  }
  const dying = await contender(t, [url, 'revoke', ann, other.id], { PARLEY_CRASH_AT: 'revoke.before-log' })
  dying.go()
  assert.equal(await dying.ended(), 'SIGKILL')
  await using next = await mongoStore(url)
  const entries = await next.control.read(0, 10)
  assert.deepEqual(
    entries.map((entry) => entry.kind === 'session.revoked' && [entry.n, entry.sessionId, entry.reason]),
    [
      [1, own.id, 'revoked'],
      [2, other.id, 'revoked'],
    ],
  )
})

test('what the owner is to hear of a revocation that a crash left half done is told by the next process, once', {
  timeout: 60_000,
}, async (t) => {
  const url = await infra.mongodb()
  const ann = account('ann')
  const own = session(ann.id)
  {
    await using store = await mongoStore(url)
    await store.users.add(ann)
    await store.sessions.add(own)
  }
  const dying = await contender(t, [url, 'reuse', ann.id, own.id], { PARLEY_CRASH_AT: 'revoke.before-log' })
  dying.go()
  assert.equal(await dying.ended(), 'SIGKILL')
  await using store = await mongoStore(url)
  const event = { id: 'reuse', userId: ann.id, at: '2026-01-01T00:00:00.000Z', kind: 'session.reused' }
  assert.deepEqual(await store.security.untold(10), [{ ...event, sessionId: own.id, device: 'laptop' }])
  assert.equal(await store.control.head(), 1)
})

test('a process that dies between a new password and the sessions it ends leaves none of them', {
  timeout: 60_000,
}, async (t) => {
  const url = await infra.mongodb()
  const ann = account('ann')
  const [kept, other] = [session(ann.id), session(ann.id)]
  {
    await using store = await mongoStore(url)
    await store.users.add(ann)
    for (const each of [kept, other]) await store.sessions.add(each)
    const dying = await contender(t, [url, 'password', ann.id, ann.passwordHash, kept.id], {
      PARLEY_CRASH_AT: 'password.before-sessions',
    })
    dying.go()
    assert.equal(await dying.ended(), 'SIGKILL')
  }
  await using store = await mongoStore(url)
  assert.deepEqual(await store.users.find([ann.id]), [{ ...ann, passwordHash: 'new' }])
  assert.deepEqual(await store.sessions.list(ann.id), [kept])
  const entries = await store.control.read(0, 10)
  assert.deepEqual(
    entries.map((e) => e.kind === 'session.revoked' && [e.sessionId, e.reason]),
    [[other.id, 'password']],
  )
})

test('the store refuses to open where names are not unique', async (t) => {
  const url = await infra.mongodb()
  const users = (await connect(t, url)).db().collection('users')
  await users.insertMany([{ nameKey: 'ann' }, { nameKey: 'ann' }])
  await assert.rejects(mongoStore(url), /indexes of "users"/)
})

test('the store refuses to open where its unique index is not unique', async (t) => {
  const url = await infra.mongodb()
  await (await connect(t, url)).db().collection('users').createIndex({ nameKey: 1 }, { name: 'name' })
  await assert.rejects(mongoStore(url), /indexes of "users"/)
})

test('a server that is away is refused as unavailable in bounded time', { timeout: 20_000 }, async () => {
  await assert.rejects(mongoStore('mongodb://127.0.0.1:1/parley?directConnection=true'), /ECONNREFUSED|indexes/)
})

test('every read goes by an index and sorts nothing unbounded, at thousands of rows', {
  timeout: 120_000,
}, async (t) => {
  const url = await infra.mongodb()
  const client = await connect(t, url)
  const { users, sessions, control } = await openCollections(client.db())
  const accounts = Array.from({ length: 6_000 }, (_, i) => account(`user${i}`))
  await users.insertMany(
    accounts.map(({ id, ...rest }, i) => ({ _id: id, ...rest, ...(i < 20 ? { unannounced: true as const } : {}) })),
  )
  await sessions.insertMany(
    accounts.map(({ id: userId }, i) => {
      const { id, ...rest } = session(userId)
      return { _id: id, ...rest, ...(i < 20 ? { ending: { at: rest.createdAt, reason: 'logout' as const } } : {}) }
    }),
  )
  await control.insertMany(
    accounts.map(({ id, createdAt }, i) => ({
      _id: i + 1,
      subject: id,
      at: createdAt,
      kind: 'user.deleted' as const,
      userId: id,
    })),
  )
  const one = accounts[3_000]!
  const live = { 'ending.at': { $exists: false } }
  // Each read with the index that it must go by: a walk over all of another index is a scan of the collection by another name.
  const reads: Record<string, [index: string, plan: Promise<Document>]> = {
    'by e-mail': ['email', users.find({ emailKey: one.emailKey }).limit(1).explain()],
    'by name': ['name', users.find({ nameKey: one.nameKey }).limit(1).explain()],
    'by ids': [
      '_id_',
      users
        .find({ _id: { $in: accounts.slice(0, 10).map(({ id }) => id) } })
        .limit(10)
        .explain(),
    ],
    unannounced: ['unannounced', users.find({ unannounced: true }).limit(100).explain()],
    session: [
      '_id_',
      sessions
        .find({ _id: one.id, ...live })
        .limit(1)
        .explain(),
    ],
    'sessions of a user': ['user', sessions.find({ userId: one.id, ...live }).explain()],
    'sessions ending': [
      'ending',
      sessions
        .find({ 'ending.at': { $exists: true } })
        .limit(100)
        .explain(),
    ],
    'sessions past their end': ['end', sessions.find({ expiresAt: { $lt: '2026-01-01' }, ...live }).explain()],
    'control entry': ['_id_', control.find({ _id: 3_000 }).limit(1).explain()],
    'control by subject': ['subject', control.find({ subject: one.id }).limit(1).explain()],
    'who is gone': ['subject', control.find({ subject: { $in: [one.id, 'another'] } }).explain()],
    'control page': [
      '_id_',
      control
        .find({ _id: { $gt: 3_000, $lte: 3_050 } })
        .sort({ _id: 1 })
        .explain(),
    ],
  }
  for (const [name, [index, plan]] of Object.entries(reads)) {
    const text = JSON.stringify(await plan).replaceAll('\\', '')
    assert.deepEqual(indexesUsed(text), [index], `${name}: ${text}`)
    assert.doesNotMatch(text, /COLLSCAN|Seq Scan/, `${name}: ${text}`)
    // The page of the control log is a closed range: what is sorted there is never more than the page.
    if (name !== 'control page') assert.doesNotMatch(text, /:"(SORT|Sort)"/, `${name}: ${text}`)
  }
})

/** The indexes that a plan narrows down by. DocumentDB shows PostgreSQL's plan, in which `_id_` without the id is a walk over everything. */
function indexesUsed(plan: string): string[] {
  if (/IDHACK|EXPRESS_IXSCAN/.test(plan)) return ['_id_']
  const postgres = [...plan.matchAll(/"Index Name":"(\w+)"/g)].map((match) => match[1]!)
  const used = postgres.length > 0 ? postgres : [...plan.matchAll(/"indexName":"(\w+)"/g)].map((match) => match[1]!)
  const walks = postgres.includes('_id_') && !/"Index Cond":"[^"]*object_id/.test(plan)
  return walks ? ['every row'] : [...new Set(used)]
}
