import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { migrate } from '@parley/kit/migrate'
import { openFile } from '@parley/kit/sqlite/file'
import { sqliteStore } from './sqlite.ts'
import { ADDRESS_READS } from './sqlite-addresses.ts'
import { ALERT_READS } from './sqlite-alerts.ts'
import { ANALYTICS_READS } from './sqlite-analytics.ts'
import { AUDIT_READS } from './sqlite-audit.ts'
import { CAPTURED_READS } from './sqlite-captured.ts'
import { COVERED_STEP, DELIVERY_READS } from './sqlite-deliveries.ts'
import { DEVICE_READS } from './sqlite-devices.ts'
import { DIGEST_READS } from './sqlite-digests.ts'
import { PREFERENCE_READS } from './sqlite-preferences.ts'
import { PROGRESS_READS } from './sqlite-progress.ts'
import { MIGRATIONS } from './sqlite-schema.ts'
import { WATCH_READS } from './sqlite-watches.ts'
import { notificationStoreContract } from './store.contract.ts'

function freshFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-notification-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'notification.db')
}

notificationStoreContract('sqlite', 60, async (t) => {
  const path = freshFile(t)
  return { open: async () => sqliteStore(path), written: async () => readFileSync(path, 'latin1') }
})

test('every read goes by an index and sorts nothing, at thousands of rows', async (t) => {
  const path = freshFile(t)
  {
    await using store = sqliteStore(path)
    const all = Array.from({ length: 4_000 }, (_, i) => ({
      id: randomUUID(),
      channel: i % 2 ? ('mail' as const) : ('push' as const),
      userId: `user ${i % 100}`,
      about: `conversation/${i % 50}`,
      plannedAt: i,
      dueAt: i,
      payload: {},
      shown: { topic: `conversation ${i % 50}/phone`, upTo: i },
      covers: [`conversation ${i % 50}`],
      ...(i % 5 !== 0 && { dropped: { reason: 'muted' } }),
    }))
    await store.deliveries.plan(all)
  }
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  db.exec('ANALYZE')
  for (const [name, sql] of Object.entries({
    ...DELIVERY_READS,
    ...ADDRESS_READS,
    ...ALERT_READS,
    ...ANALYTICS_READS,
    ...AUDIT_READS,
    ...CAPTURED_READS,
    ...WATCH_READS,
    ...DEVICE_READS,
    ...DIGEST_READS,
    ...PREFERENCE_READS,
    ...PROGRESS_READS,
  })) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(sql.split('?').length - 1).fill(1))
    const steps = plan.map((row) => String(row.detail))
    // What is counted ends at its limit, and of captured mail there are 200.
    const walks = /^SCAN (\(sub|captured$|addresses USING COVERING INDEX)/
    const bad = steps.filter((step) => /TEMP B-TREE|ANY\(/.test(step) || (/^SCAN/.test(step) && !walks.test(step)))
    assert.deepEqual(bad, [], `${name}: ${steps.join('; ')}`)
  }
})

test('a digest from before it was kept what each is about is taken for one about anything', async (t) => {
  const path = freshFile(t)
  const old = openFile(path)
  migrate(old, MIGRATIONS.slice(0, MIGRATIONS.indexOf(COVERED_STEP)))
  const add = old.prepare(
    "INSERT INTO deliveries (id, channel, user_id, state, planned_at, settled_at) VALUES (?, 'mail', ?, 'sent', 5, 6)",
  )
  add.run('mail/digest-1', 'ann')
  add.run('mail/letter', 'ben')
  add.run('mail/digest-2', null)
  old.close()
  await using store = sqliteStore(path)
  assert.equal((await store.deliveries.covering('ann', 'tea', 5))?.id, 'mail/digest-1')
  assert.equal(await store.deliveries.covering('ben', 'tea', 0), undefined)
})
