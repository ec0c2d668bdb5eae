import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { AlertNews } from '@parley/protocol/alert'
import { openService, USER } from '../service.fixture.ts'
import { ALERTS_KEPT_MS, type Alert } from '../store/alerts.ts'
import { sqliteStore } from '../store/sqlite.ts'

test('of what is forgotten after its time devices are told, so that it counts as unread nowhere; also after a crash', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-alerts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const clock = { now: Date.now() }
  const [old, older, recent] = [1, 0, 2].map((ms) => alert(clock.now + ms)) as [Alert, Alert, Alert]
  {
    await using store = sqliteStore(join(folder, 'notification.db'))
    await store.alerts.put([old, older, recent])
    // By a process that dies before it tells of it.
    assert.equal((await store.alerts.expire(old.at, 10))[0]?.gone[0], older.id)
  }
  clock.now = recent.at + ALERTS_KEPT_MS
  const heard: AlertNews[] = []
  const bus = aloneBus({ log: openLog('bus', 'silent') })
  await bus.listen(['alerts.changed'], (event) => {
    if (event.type === 'alerts.changed') heard.push(event.data)
  })
  const next = await openService(t, { beside: { folder, clock }, bus })
  await t.waitFor(() => assert.equal(heard.length, 1))
  const [{ gone = [], ...state }] = heard as [AlertNews]
  assert.deepEqual([gone.toSorted(), state], [[old.id, older.id].toSorted(), { rev: 3, unread: 1 }])
  assert.deepEqual(await next.store.alerts.state(USER), { rev: 3, unread: 1 })
  await t.waitFor(async () => assert.deepEqual(await next.store.alerts.expire(recent.at, 10), []))
  assert.deepEqual(await next.store.alerts.list(USER, undefined, 10), [recent])
})

const alert = (at: number): Alert => ({
  ...{ id: randomUUID(), userId: USER, kind: 'mention', at, rev: 1, read: false },
  ...{ actors: [randomUUID()], actorCount: 1 },
})
