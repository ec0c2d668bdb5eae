import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { until } from '@parley/infra/until'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { openLog } from '@parley/kit/log'
import type { StandingMember } from '@parley/protocol/standing'
import { MongoClient } from 'mongodb'
import { openNotices } from './notices.ts'
import { mongoStore } from './store/mongo.ts'
import { mongoWatches } from './store/mongo-watches.ts'

test('what was decided by who died before it was planned is pushed as it was decided, whatever holds since', async (t) => {
  const url = await infra.mongodb()
  const log = openLog('test', 'silent')
  const [store, bus, client] = [await mongoStore(url), embeddedBus({ log }), await MongoClient.connect(url)]
  t.after(async () => {
    await bus[Symbol.asyncDispose]()
    await client.close()
    await store[Symbol.asyncDispose]()
  })
  await bus.subscribe('notification.analytics', async () => {})
  await store.devices.put(
    {
      ...{ id: 'phone', userId: 'bob', sessionId: 's', name: '', registeredAt: 1, refused: 0 },
      address: { kind: 'webpush', endpoint: 'https://push.example.org/1', p256dh: '', auth: '' },
    },
    20,
  )
  const bob: StandingMember = {
    ...{ userId: 'bob', fromSeq: 1, deliveredSeq: 0, readSeq: 0, level: 'all', mutedUntil: null, active: false },
  }
  const createdAt = new Date().toISOString()
  const message = { seq: 1, senderId: 'ann', sender: 'ann', createdAt, text: 'hello' }
  const start = (watches: typeof store.watches) =>
    openNotices(
      {
        ...{ store: { ...store, watches }, bus, log, unread: async () => {}, planned: () => undefined },
        chat: {
          standing: async ({ toSeq, fromSeq }) => ({
            ...{ kind: 'direct', title: '', headSeq: 1, members: [{ ...bob }] },
            messages: fromSeq <= toSeq ? [message] : [],
          }),
        },
      },
      { graceMs: 1, leaseMs: 200 },
    )
  const conversationId = randomUUID()
  const about = `${conversationId}/1`
  const rounds = client.db().collection('rounds')
  {
    const died = async () => {
      throw new Error('killed')
    }
    await using _first = await start(await mongoWatches(client.db(), { plan: died }))
    const event = { id: randomUUID(), version: 1 as const, occurredAt: createdAt, key: conversationId, rev: 1 }
    const conversations = [{ conversationId, seq: 1 }]
    await bus.publish({ ...event, type: 'messages.created', data: { conversations, senderIds: [] } })
    await until('it to be decided', 10_000, () => rounds.findOne({ conversationId }))
  }
  assert.equal(await store.watches.round(conversationId, 1), undefined, 'it is not told before it is carried out')
  assert.deepEqual(await store.deliveries.about('bob', about, 10), [])
  bob.readSeq = 1
  await using _second = await start(store.watches)
  const round = await until('it to be carried out', 10_000, () => store.watches.round(conversationId, 1))
  assert.deepEqual(round.answers, [{ fromSeq: 1, toSeq: 1, answer: 'message', userIds: ['bob'] }])
  const [push] = await store.deliveries.about('bob', about, 10)
  assert.deepEqual([push?.id, push?.plannedAt], [`push/${about}/phone`, round.at])
  assert.ok(push!.dueAt! > round.at + 2_000, 'so that it is asked again whether it was read')
})
