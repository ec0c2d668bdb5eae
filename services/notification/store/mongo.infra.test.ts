import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { MongoClient } from 'mongodb'
import { mongoStore } from './mongo.ts'
import { mongoDigests } from './mongo-digests.ts'
import { notificationStoreContract } from './store.contract.ts'

notificationStoreContract('mongodb', 10, async () => {
  const url = await infra.mongodb()
  return () => mongoStore(url)
})

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
