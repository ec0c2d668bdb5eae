import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { infra } from '@parley/infra/infra'
import { type Collection, type Db, MongoClient } from 'mongodb'
import { alertsModel } from './alerts.model.ts'
import { mongoStore } from './mongo.ts'
import { mongoAlerts } from './mongo-alerts.ts'
import { mongoDigests } from './mongo-digests.ts'
import { mongoWatches } from './mongo-watches.ts'
import { notificationStoreContract } from './store.contract.ts'
import type { NotificationStore } from './store.ts'
import type { Round, Watch } from './watches.ts'

notificationStoreContract('mongodb', 10, async () => {
  const url = await infra.mongodb()
  return {
    open: () => mongoStore(url),
    async written() {
      await using client = await MongoClient.connect(url)
      const collections = await client.db().collections()
      return JSON.stringify(await Promise.all(collections.map((collection) => collection.find().toArray())))
    },
  }
})

alertsModel(
  'mongodb, where each step waits for a moment',
  async (t, count) => {
    const client = await MongoClient.connect(await infra.mongodb())
    t.after(() => client.close())
    const another = async () => ({ alerts: await mongoAlerts(unsteady(client.db())) }) as NotificationStore
    return Promise.all(Array.from({ length: count }, another))
  },
  20,
)

/** So that the steps of two processes come in between each other in every order. */
function unsteady(db: Db): Db {
  const MOST_MS = 8
  const STEPS = ['findOne', 'findOneAndUpdate', 'insertOne', 'replaceOne', 'updateOne', 'updateMany', 'deleteOne']
  const waiting = (collection: Collection) =>
    new Proxy(collection, {
      get(target, name: keyof Collection) {
        const own = target[name]
        if (typeof own !== 'function') return own
        if (!STEPS.includes(name)) return own.bind(target)
        return async (...args: unknown[]) => {
          await pause(Math.random() * MOST_MS)
          return Reflect.apply(own, target, args)
        }
      },
    })
  return new Proxy(db, {
    get: (target, name) =>
      name === 'collection' ? (which: string) => waiting(target.collection(which)) : Reflect.get(target, name),
  })
}

test('mongodb: what is noted after a mail was planned by who died then waits for the next mail', async (t) => {
  const client = await MongoClient.connect(await infra.mongodb())
  t.after(() => client.close())
  const db = client.db()
  const ids: string[] = []
  let dies = true
  const digests = await mongoDigests(db, {
    async plan(deliveries) {
      ids.push(...deliveries.map(({ id }) => id))
      if (dies) throw new Error('killed')
    },
  })
  const userId = randomUUID()
  const pace = { dueAt: 1_000, everyMs: 60_000 }
  const claim = async (now: number) =>
    (await digests.claim({ now, leaseMs: 10, limit: 1_000 })).find((one) => one.userId === userId)!
  const mail = ({ round }: { round: number }) => ({
    ...{ id: `${userId}/${round}`, channel: 'mail' as const, plannedAt: 0, dueAt: 0, payload: {} },
  })
  await digests.note({ conversationId: 'tea', userIds: [userId] }, pace, 0)
  const first = await claim(2_000)
  await assert.rejects(digests.settle(first, mail(first), 2_000, pace))
  dies = false
  for (const conversationId of ['tea', 'cake']) await digests.note({ conversationId, userIds: [userId] }, pace, 2_005)
  const again = await claim(3_000)
  assert.deepEqual([again.round, again.version], [first.round, first.version])
  assert.equal(await digests.settle(again, mail(again), undefined, pace), true)
  assert.deepEqual(ids, [`${userId}/0`, `${userId}/0`])
  assert.equal(await claim(61_999), undefined, 'the first was mailed at 2,000')
  const next = await claim(62_000)
  assert.deepEqual([next.round, next.conversationIds.toSorted()], [1, ['cake', 'tea']])
})

test('mongodb: what was decided once stays decided, whoever dies or is frozen before it is planned', async (t) => {
  const client = await MongoClient.connect(await infra.mongodb())
  t.after(() => client.close())
  const db = client.db()
  const ids: string[] = []
  let dies = true
  const watches = await mongoWatches(db, {
    async plan(deliveries) {
      if (dies) throw new Error('killed')
      ids.push(...deliveries.map(({ id }) => id))
    },
  })
  const conversationId = randomUUID()
  const claim = async (now: number) =>
    (await watches.claim({ owner: 'me', now, leaseMs: 10, limit: 10 })) as [Watch, ...Watch[]]
  const roundOf = ({ fromSeq, toSeq }: Watch, at: number): Round => ({
    ...{ conversationId, fromSeq, toSeq, at },
    answers: [{ fromSeq, toSeq, answer: 'message', userIds: [`at ${at}`] }],
  })
  const push = (at: number) => ({ id: `push ${at}`, channel: 'push' as const, plannedAt: at, dueAt: at, payload: {} })
  const next = { seq: 0, dueAt: 0 }
  await watches.note([{ conversationId, seq: 2 }], 100)
  const [first] = await claim(100)
  assert.equal(first.decided, undefined)
  await assert.rejects(watches.decide(first, roundOf(first, 100), [push(100)], next))
  assert.equal(await watches.round(conversationId, 1), undefined, 'nothing of it was done yet')
  dies = false
  const [again] = await claim(200)
  assert.deepEqual(again.decided, roundOf(first, 100))
  assert.equal(await watches.decide(first, roundOf(first, 100), [push(1)], next), false)
  assert.equal(await watches.decide(again, again.decided!, [push(100)], next), true)
  assert.deepEqual(ids, ['push 100'])
  assert.deepEqual(await watches.round(conversationId, 2), roundOf(first, 100))

  await watches.note([{ conversationId, seq: 3 }], 300)
  const [late] = await claim(300)
  // Whoever held it before is a moment faster than this, and says no more.
  await db.collection<{ _id: string }>('rounds').insertOne({ _id: `${conversationId}/3`, ...roundOf(late, 299) })
  await assert.rejects(watches.decide(late, roundOf(late, 300), [push(300)], next), { code: 'unavailable' })
  await watches.postpone(late, 301)
  const [last] = await claim(301)
  assert.deepEqual(last.decided, roundOf(late, 299))
  assert.deepEqual(ids, ['push 100'], 'nothing was planned by who decided otherwise')
  assert.equal(await watches.decide(last, last.decided!, [push(299)], next), true)
  assert.deepEqual(await watches.round(conversationId, 3), roundOf(late, 299))
  assert.deepEqual(await watches.round(conversationId, 2), roundOf(first, 100))
})
