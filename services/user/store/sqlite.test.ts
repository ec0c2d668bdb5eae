import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { asFault } from '@parley/kit/fault'
import { openFile } from '@parley/kit/sqlite/file'
import { sqliteStore } from './sqlite.ts'
import { READS } from './sqlite-reads.ts'
import { account, session, userStoreContract } from './store.contract.ts'

function freshFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-user-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'user.db')
}

userStoreContract('sqlite', async (t) => {
  const path = freshFile(t)
  return async () => sqliteStore(path)
})

test('each commit is on disk before it is answered', (t) => {
  const db = openFile(freshFile(t))
  t.after(() => db.close())
  const FULL = 2
  assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal')
  assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, FULL)
})

test('a write that waits behind a close is kept, one after it is refused', async (t) => {
  const path = freshFile(t)
  const store = sqliteStore(path)
  const ann = account('ann')
  const kept = store.users.add(ann)
  const closed = store[Symbol.asyncDispose]()
  await assert.rejects(store.users.add(account('ben')), { code: 'unavailable' })
  assert.equal(await kept, 'added')
  await closed
  await using again = sqliteStore(path)
  assert.deepEqual(await again.users.findByName('ann'), ann)
})

test('a write that can never succeed is a defect and harms no other', async (t) => {
  const path = freshFile(t)
  await using store = sqliteStore(path)
  const one = session(randomUUID())
  const [first, again, other] = await Promise.allSettled([
    store.sessions.add(one),
    store.sessions.add(one),
    store.sessions.add(session(one.userId)),
  ])
  assert.equal(first.status, 'fulfilled')
  assert.equal(again.status === 'rejected' && asFault(again.reason).code, 'internal')
  assert.equal(other.status, 'fulfilled')
  assert.equal((await store.sessions.list(one.userId)).length, 2)
})

test('every read goes by an index and sorts nothing, at thousands of rows', async (t) => {
  const path = freshFile(t)
  {
    await using store = sqliteStore(path)
    const all = Array.from({ length: 4_000 }, (_, i) => account(`user${i}`))
    await Promise.all(all.map((each) => store.users.add(each)))
    await Promise.all(all.map((each) => store.sessions.add(session(each.id))))
    await store.users.announced(all.map((each) => each.id))
  }
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  db.exec('ANALYZE')
  for (const [name, sql] of Object.entries(READS)) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(sql.split('?').length - 1).fill(1))
    const steps = plan.map((row) => String(row.detail))
    // What waits to be announced is a partial index of nothing else, and counting ends at its limit: those may walk.
    const walks =
      name === 'unannounced' ? /^SCAN users USING INDEX users_unannounced$/ : /^SCAN (users USING COVERING INDEX|\(sub)/
    const mayWalk = name === 'unannounced' || name === 'count' ? walks : /^SCAN json_each/
    const bad = steps.filter((step) => /TEMP B-TREE|ANY\(/.test(step) || (/^SCAN/.test(step) && !mayWalk.test(step)))
    assert.deepEqual(bad, [], `${name}: ${steps.join('; ')}`)
  }
})
