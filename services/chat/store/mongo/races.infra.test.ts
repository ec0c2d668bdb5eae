import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { infra } from '@parley/infra/infra'
import type { Entry } from '@parley/protocol/conversation'
import { MongoClient } from 'mongodb'
import { applyEntry, type Conversation } from '../../conversation.ts'
import { amendment, appended, newGroup, people, say, until, wholeLog } from '../contract/world.ts'
import { mongoStore } from '../mongo.ts'
import type { Act, Outcome } from './actor.fixture.ts'
import { actor, changing, saying } from './actors.fixture.ts'
import { shardCollections } from './indexes.ts'

test('processes that race in one conversation with the same ids and changing members make one log', {
  timeout: 120_000,
}, async (t) => {
  await race(t, await infra.mongodb())
})

test('who leaves for good leaves also where a process that died had just put them', async (t) => {
  const address = await infra.mongodb()
  await using store = await mongoStore(address)
  const [ann, bob, cem] = people(3) as [string, string, string]
  const before = await newGroup(store, [ann, cem])
  const room = await newGroup(store, [ann, bob])
  const part = { address, conversationId: room.id, acts: [changing('members.added', ann, cem)], atOnce: 1 }
  const doomed = await actor(t, part, { PARLEY_CRASH_AT: 'inbox.before-raise' })
  doomed.go()
  assert.equal((await doomed.ended).signal, 'SIGKILL')
  const { rows } = await store.inbox.page(cem, 0, 10)
  assert.deepEqual(
    rows.map(({ conversationId }) => conversationId),
    [before.id],
    'no inbox tells of it',
  )
  assert.ok((await store.log.findConversation(room.id))?.members.has(cem), 'and yet it is so')
  const all = [before.id, room.id].sort()
  assert.deepEqual(await store.departures.conversations(cem, undefined, 10), all)
  assert.deepEqual(await store.departures.conversations(cem, undefined, 1), all.slice(0, 1))
  assert.deepEqual(await store.departures.conversations(cem, all[0], 10), all.slice(1))
  assert.deepEqual(await store.departures.conversations(bob, undefined, 10), [room.id])
})

test('times do not go back with the clock of the node that writes', async () => {
  const address = await infra.mongodb()
  await using client = new MongoClient(address)
  const [ann] = people(1) as [string]
  await using ahead = await mongoStore(address)
  const room = await newGroup(ahead, [ann])
  await say(ahead, room, ann, 'one')
  const later = new Date(Date.now() + 600_000)
  await client
    .db()
    .collection('log')
    .updateOne({ conversationId: room.id, seq: 1 }, { $set: { createdAt: later } })
  await using behind = await mongoStore(address)
  const [second] = await say(behind, room, ann, 'two')
  assert.equal(second?.createdAt, later.toISOString())
})

test('the same holds when the collections are sharded by conversation', { timeout: 120_000 }, async (t) => {
  const address = await infra.mongodb()
  await using client = new MongoClient(address)
  // A server that is no cluster may not know how; a cluster has done it already.
  const known = await shardCollections(client.db()).then(
    () => 'sharded',
    (error: Error) => `not sharded: ${error.message}`,
  )
  t.diagnostic(`${await infra.mongodbKind()}: ${known}`)
  await race(t, address)
})

test('a process killed between any two lines leaves a whole log, and a repeat gets the first answer', {
  timeout: 120_000,
}, async (t) => {
  const address = await infra.mongodb()
  await using store = await mongoStore(address)
  const points = [
    'append.before-begin',
    'append.after-begin',
    'append.before-commit',
    'append.after-commit',
    'inbox.before-raise',
  ]
  for (const point of points) {
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob])
    const acts = [saying(ann, 'one'), saying(ann, 'two'), changing('members.added', ann, cem), saying(ann, 'three')]
    const part = { address, conversationId: room.id, acts, atOnce: 1 }
    const doomed = await actor(t, part, { PARLEY_CRASH_AT: point === 'inbox.before-raise' ? point : `${point}:3` })
    doomed.go()
    const { outcomes: told, signal } = await doomed.ended
    assert.equal(signal, 'SIGKILL', point)
    assert.deepEqual(
      told.map(({ rev }) => rev),
      [2, 3],
      point,
    )

    const again = await actor(t, part)
    again.go()
    const { outcomes } = await again.ended
    assert.deepEqual(
      outcomes.map(({ rev }) => rev),
      [2, 3, 4, 5],
      point,
    )
    const committed = point === 'append.after-commit' || point === 'inbox.before-raise'
    const kinds = ['repeated', 'repeated', committed ? 'repeated' : 'appended', 'appended']
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      kinds,
      point,
    )
    assert.equal((await wholeLog(store, room.id)).length, 5)
    assert.deepEqual(
      await store.inbox.conversationIds(cem, 10),
      [room.id],
      `${point}: a repeat makes the change visible`,
    )
  }
})

test('what a killed process did not make visible the relay of another does', { timeout: 60_000 }, async (t) => {
  const address = await infra.mongodb()
  await using store = await mongoStore(address)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann])
  await store.log.relayed(await store.log.pending(10))
  const acts = [changing('members.added', ann, bob)]
  const doomed = await actor(
    t,
    { address, conversationId: room.id, acts, atOnce: 1 },
    { PARLEY_CRASH_AT: 'append.after-commit' },
  )
  doomed.go()
  await doomed.ended
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [])
  const left = await store.log.pending(10, 0)
  assert.deepEqual(
    left.map(({ rev }) => rev),
    [2],
  )
  await store.log.relayed(left)
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [room.id])
  assert.deepEqual(await store.log.pending(10, 0), [])
})

test('a writer that stops between giving out a stamp and writing the row hides nothing', {
  timeout: 60_000,
}, async (t) => {
  const address = await infra.mongodb()
  await using store = await mongoStore(address)
  const [ann, bob] = people(2) as [string, string]
  const [slow, quick] = [await newGroup(store, [ann]), await newGroup(store, [ann])]
  const acts = [changing('members.added', ann, bob)]
  const frozen = await actor(t, { address, conversationId: slow.id, acts, atOnce: 1, freezeAt: ['inbox'] })
  frozen.go()
  await frozen.frozen()

  // Its stamp is given out, its row is not there: a page must show it all the same.
  const first = await store.inbox.page(bob, 0, 10)
  assert.deepEqual(first.rows, [{ conversationId: slow.id, stamp: 1, gone: false }])
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [slow.id])
  // Others go on, and write what it left; the device's cursor passes its stamp; then bob leaves again.
  await add(store, quick.id, ann, bob)
  await add(store, slow.id, bob, bob, 'members.removed')
  const second = await store.inbox.page(bob, first.head, 10)
  assert.deepEqual(
    second.rows.map(({ conversationId, gone }) => [conversationId, gone]),
    [
      [quick.id, false],
      [slow.id, true],
    ],
  )

  frozen.kill('SIGCONT')
  assert.equal((await frozen.ended).outcomes[0]?.outcome, 'appended')
  // Its late row neither takes the newer stamp back nor brings the membership back.
  assert.deepEqual(await store.inbox.page(bob, second.head, 10), { rows: [], head: second.head })
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [quick.id])
})

test('a writer that comes late with an old membership brings nobody back', { timeout: 60_000 }, async (t) => {
  const address = await infra.mongodb()
  await using store = await mongoStore(address)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann])
  const part = { address, conversationId: room.id, acts: [changing('members.added', ann, bob)], atOnce: 1 }
  const late = await actor(t, { ...part, freezeAt: ['inboxHeads', 'inbox'] })
  late.go()
  await late.frozen()
  await add(store, room.id, ann, bob, 'members.removed')
  const gone = await store.inbox.page(bob, 0, 10)
  assert.deepEqual(gone.rows, [{ conversationId: room.id, stamp: 1, gone: true }])

  // It goes on to give out a stamp for what it knew, and stops before the row.
  late.kill('SIGCONT')
  await until(async () => (await store.inbox.heads([bob]))[0] === 2)
  await late.frozen()
  assert.deepEqual((await store.inbox.page(bob, 1, 10)).rows, [{ conversationId: room.id, stamp: 2, gone: true }])
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [])
  late.kill('SIGCONT')
  await late.ended
  assert.deepEqual((await store.inbox.page(bob, 1, 10)).rows, [{ conversationId: room.id, stamp: 2, gone: true }])
  assert.deepEqual(await store.inbox.conversationIds(bob, 10), [])
})

async function add(
  store: Awaited<ReturnType<typeof mongoStore>>,
  conversationId: string,
  by: string,
  userId: string,
  kind: 'members.added' | 'members.removed' = 'members.added',
): Promise<void> {
  const now = await store.log.findConversation(conversationId)
  const act = changing(kind, by, userId)
  const reply = await store.log.append({ ...act, conversationId, membersRev: now?.membersRev ?? 0 })
  assert.equal(reply.outcome, 'appended')
}

/** Four processes, each with acts of its own and acts that all share, sixteen at a time. */
async function race(t: TestContext, address: string): Promise<void> {
  await using store = await mongoStore(address)
  const crowd = people(4)
  const [owner, ...others] = crowd as [string, string, string, string]
  const room = await newGroup(store, crowd)
  const shared = Array.from({ length: 60 }, (_, n) => saying(crowd[n % 4]!, `shared ${n}`))
  const parts = crowd.map((who, n): Act[] => {
    const own = Array.from({ length: 40 }, (_, k) => saying(who, `${n} says ${k}`))
    const changes = others.flatMap((other) =>
      n === 0 ? [changing('members.removed', owner, other), changing('members.added', owner, other)] : [],
    )
    return [...own, ...shared, ...changes].sort((a, b) => (a.id < b.id ? -1 : 1))
  })
  const actors = await Promise.all(
    parts.map((acts) => actor(t, { address, conversationId: room.id, acts, atOnce: 16 })),
  )
  for (const one of actors) one.go()
  const ends = await Promise.all(actors.map((one) => one.ended))
  assert.ok(ends.every(({ signal }) => signal === null))
  const log = await wholeLog(store, room.id)
  assertOneTruth(
    ends.map(({ outcomes }) => outcomes),
    log,
  )
  assertAuthorized(log)
  assert.deepEqual(
    await store.log.findConversation(room.id),
    log.reduce<Conversation | undefined>(applyEntry, undefined),
  )
}

/** Every id is in the log once or not at all, all who asked were told the same place, and one of them that it was theirs. */
function assertOneTruth(told: readonly Outcome[][], log: readonly Entry[]): void {
  const revOf = new Map(log.map((entry) => [entry.id, entry.rev]))
  assert.equal(revOf.size, log.length, 'nothing is doubled')
  for (const [id, outcomes] of Map.groupBy(told.flat(), (outcome) => outcome.id)) {
    const answered = outcomes.filter(({ outcome }) => outcome !== 'refused')
    for (const { rev } of answered) assert.equal(rev, revOf.get(id))
    assert.equal(answered.filter(({ outcome }) => outcome === 'appended').length, answered.length > 0 ? 1 : 0)
    if (answered.length === 0) assert.equal(revOf.get(id), undefined, 'what was refused is nowhere')
  }
  assert.ok(log.length > 100)
}

/** Nobody speaks in a conversation that they are not in. */
function assertAuthorized(log: readonly Entry[]): void {
  let now: Conversation | undefined
  for (const entry of log) {
    if (entry.kind !== 'created') assert.ok(now?.members.has(entry.senderId), `entry ${entry.rev} is by no member`)
    now = applyEntry(now, entry)
  }
}

test('a deletion whose process dies on its way leaves nothing behind that nobody looks for', {
  timeout: 60_000,
}, async (t) => {
  const address = await infra.mongodb()
  const updates: string[] = []
  await using store = await mongoStore(address, {
    onCommand(name, command) {
      if (name === 'update' && command.update === 'log') updates.push(JSON.stringify(command.updates))
    },
  })
  const [ann] = people(1) as [string]
  const room = await newGroup(store, [ann])
  await say(store, room, ann, 'one')
  appended(await store.log.append(amendment(room, ann, 1, { text: 'two' })))
  updates.length = 0
  appended(await store.log.append(amendment(room, ann, 1, 'deleted')))
  const steps = updates.flatMap((update) =>
    update.includes('"deleted":true')
      ? ['message']
      : update.includes('"contentHash":""')
        ? ['hashes']
        : update.includes('"unapplied":""')
          ? ['done']
          : [],
  )
  t.diagnostic(steps.join(', '))
  // The message names the edits that have a hash, and the mark that it is to be done is the last to go.
  assert.deepEqual(steps, ['hashes', 'message', 'done'])
})
