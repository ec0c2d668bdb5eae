import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { openAlerts } from './alerts/alerts.ts'
import { openService, USER } from './service.fixture.ts'

const AT = new Date().toISOString()
const GOOD = {
  ...{ kind: 'session.started', userId: USER, at: AT, sessionId: randomUUID(), device: 'Phone' },
  ...{ username: 'ann', email: 'ann@example.org' },
}

test('what happened to an account without saying to which one is a dead letter at once wherever it is taken, and nothing is kept of it', async (t) => {
  const dead: string[] = []
  const error = (fields: object): void => void dead.push((fields as { subscription: string }).subscription)
  const bus = aloneBus({ log: { ...openLog('notification', 'silent'), error } })
  const { store } = await openService(t, { bus })
  await using _ = await openAlerts({
    ...{ store: store.alerts, bus, alerted: async () => {} },
    users: { find: async (ids) => ids.map((id) => ({ id, username: '' })) },
    chat: { standing: async () => undefined },
  })
  const wrong = [
    ...[undefined, null, 7, '', 'ann', [USER]].map((userId) => ({ userId })),
    ...[undefined, 'whenever', 5].map((at) => ({ at })),
    ...[{ username: undefined }, { email: '' }, { sessionId: undefined }, { device: 7 }],
  ]
  for (const some of wrong) {
    dead.length = 0
    await bus.publish(noted({ ...GOOD, ...some }))
    const [one] = Object.keys(some)
    assert.deepEqual(
      dead.toSorted(),
      [
        ...['notification.alerts', ...(one === 'userId' ? ['notification.analytics'] : [])],
        ...['notification.audit', 'notification.security'],
      ],
      JSON.stringify(some),
    )
  }
  assert.deepEqual([await store.audit.list({}, 10), await store.alerts.list(USER, undefined, 10)], [[], []])
  await bus.publish(noted(GOOD))
  assert.deepEqual(
    [await store.audit.list({}, 10), await store.alerts.list(USER, undefined, 10)].map((list) => list.length),
    [1, 1],
  )
})

const noted = (data: object): BusEvent =>
  ({
    ...{ id: randomUUID(), version: 1, occurredAt: AT, key: 'any', rev: 1 },
    type: 'security.noted',
    data,
  }) as BusEvent
