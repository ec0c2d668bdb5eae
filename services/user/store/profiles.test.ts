import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { migrate } from '@parley/kit/migrate'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { profileOfNobodyContract, profileStoreContract } from './profiles.contract.ts'
import { sqliteStore } from './sqlite.ts'
import { NAMES_STEP, PROFILE_READS } from './sqlite-profiles.ts'
import { MIGRATIONS } from './sqlite-schema.ts'

function freshFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-profiles-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'user.db')
}

for (const contract of [profileStoreContract, profileOfNobodyContract])
  contract('sqlite', async (t) => {
    const path = freshFile(t)
    return async () => sqliteStore(path)
  })

test('every read of profiles goes by an index and sorts nothing, at thousands of rows', async (t) => {
  const path = freshFile(t)
  {
    await using store = sqliteStore(path)
    const ids = Array.from({ length: 3_000 }, () => randomUUID())
    const row = (userId: string, i: number) => ({
      userId,
      ...NEW_PROFILE,
      rev: 1,
      privateReceipts: i % 10 === 0,
      viewRevs: { friend: 1, other: 1 },
      toldRev: 0,
    })
    await Promise.all(ids.map((id, i) => store.profiles.save(row(id, i))))
    await store.profiles.told(ids.map((userId) => ({ userId, rev: 1 })))
  }
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  db.exec('ANALYZE')
  for (const [name, sql] of Object.entries(PROFILE_READS)) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(sql.split('?').length - 1).fill(1))
    const steps = plan.map((row) => String(row.detail))
    // What waits to be told is a partial index of nothing else.
    const walks = name === 'untoldProfiles' ? /USING INDEX profiles_untold$/ : /^SCAN json_each/
    const bad = steps.filter((step) => /TEMP B-TREE|ANY\(/.test(step) || (/^SCAN/.test(step) && !walks.test(step)))
    assert.deepEqual(bad, [], `${name}: ${steps.join('; ')}`)
  }
})

test('display names of before there was an index of their words are found', async (t) => {
  const path = freshFile(t)
  const ann = randomUUID()
  const db = new DatabaseSync(path)
  migrate(db, MIGRATIONS.slice(0, MIGRATIONS.indexOf(NAMES_STEP)))
  const profile = { ...NEW_PROFILE, rev: 1, displayName: 'Ann Ångström', viewRevs: { friend: 1, other: 1 } }
  const put = db.prepare('INSERT INTO profiles VALUES (?, 1, 1, 0, ?)')
  put.run(ann, JSON.stringify(profile))
  put.run(randomUUID(), JSON.stringify({ ...profile, displayName: null }))
  db.close()
  await using store = sqliteStore(path)
  assert.deepEqual(await store.profiles.named('a', undefined, 5), [
    { word: 'angstrom', userId: ann },
    { word: 'ann', userId: ann },
  ])
})
