import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { migrate } from './migrate.ts'

const STEPS = ['CREATE TABLE a (x INTEGER) STRICT', 'ALTER TABLE a ADD COLUMN y INTEGER', 'INSERT INTO a VALUES (1, 2)']

function freshFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-migrate-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'x.db')
}

function open(t: TestContext, path: string): DatabaseSync {
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  return db
}

const rows = (db: DatabaseSync) =>
  db
    .prepare('SELECT * FROM a')
    .all()
    .map((row) => ({ ...row }))

test('each step runs once, however often the program starts', (t) => {
  const db = open(t, freshFile(t))
  migrate(db, STEPS.slice(0, 1))
  migrate(db, STEPS)
  migrate(db, STEPS)
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})

test('a step that fails leaves nothing of its run behind', (t) => {
  const db = open(t, freshFile(t))
  assert.throws(() => migrate(db, [...STEPS, 'INSERT INTO nowhere VALUES (1)']), /nowhere/)
  migrate(db, STEPS)
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})

test('a program older than its data refuses to start', (t) => {
  const db = open(t, freshFile(t))
  migrate(db, STEPS)
  assert.throws(() => migrate(db, STEPS.slice(0, 1)), /version 3/)
})

test('a process killed in the middle leaves a file that the next start brings up to date', (t) => {
  const path = freshFile(t)
  const script = `
    import { DatabaseSync } from 'node:sqlite'
    import { migrate } from ${JSON.stringify(new URL('./migrate.ts', import.meta.url).href)}
    migrate(new DatabaseSync(${JSON.stringify(path)}), ${JSON.stringify(STEPS)})`
  const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, PARLEY_CRASH_AT: 'migration.middle:2' },
    timeout: 10_000,
  })
  assert.equal(killed.signal, 'SIGKILL', killed.stderr.toString())
  const db = open(t, path)
  migrate(db, STEPS)
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})
