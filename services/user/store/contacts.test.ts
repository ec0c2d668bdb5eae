import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { contactStoreContract } from './contacts.contract.ts'
import { pairKey } from './contacts.ts'
import { sqliteStore } from './sqlite.ts'
import { CONTACT_READS } from './sqlite-contacts.ts'

function freshFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-contacts-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'user.db')
}

contactStoreContract('sqlite', 60, async (t) => {
  const path = freshFile(t)
  return async () => sqliteStore(path)
})

test('every read of contacts goes by an index and sorts nothing, at thousands of rows', async (t) => {
  const path = freshFile(t)
  {
    await using store = sqliteStore(path)
    const side = { wants: true, blocks: false, seen: 1, changedIn: 1, changedAt: '2026-01-01T00:00:00.000Z' }
    const ann = randomUUID()
    const keys = Array.from({ length: 3_000 }, () => pairKey(ann, randomUUID()))
    await Promise.all(keys.map((key) => store.contacts.save({ key, rev: 1, low: side, high: side, toldRev: 0 })))
    await store.contacts.told(keys.map((key) => ({ key, rev: 1 })))
  }
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  db.exec('ANALYZE')
  for (const [name, sql] of Object.entries(CONTACT_READS)) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(sql.split('?').length - 1).fill(1))
    const steps = plan.map((row) => String(row.detail))
    // What waits to be told is a partial index of nothing else; the counted rows are bounded.
    const walks = name === 'untoldPairs' ? /USING INDEX contacts_untold$/ : /^SCAN (json_each|\(sub)/
    const bad = steps.filter((step) => /TEMP B-TREE|ANY\(/.test(step) || (/^SCAN/.test(step) && !walks.test(step)))
    assert.deepEqual(bad, [], `${name}: ${steps.join('; ')}`)
  }
})
