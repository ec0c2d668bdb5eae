import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { tryLock } from './lock.ts'
import { isAlive } from './process.ts'
import { keeperLock } from './question.ts'
import { bareEnv } from './settings.ts'
import { until } from './until.ts'

/** A folder, and so a keeper, of this test's own. */
function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-keeper-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A process that uses the servers as a test file does; tells what it was given, then ends when it is told to. */
async function user(t: TestContext, dir: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'user.ts')], {
    env: { ...bareEnv, PARLEY_INFRA: dir },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const given = JSON.parse(String(line)) as { rabbitmq: string; mongodb: string; pids: number[] }
  return { ...given, leave: () => void child.stdin.end(), kill: () => void child.kill('SIGKILL') }
}

const isFree = (dir: string) => () => {
  using lock = tryLock(keeperLock(dir))
  return lock !== undefined
}

test('two test files that start at once share the servers, each with its own virtual host and database', async (t) => {
  const dir = folder(t)
  const [one, two] = await Promise.all([user(t, dir), user(t, dir)])
  assert.deepEqual(one.pids, two.pids)
  assert.notEqual(one.rabbitmq, two.rabbitmq)
  assert.notEqual(one.mongodb, two.mongodb)
  assert.equal(new URL(one.mongodb).host, new URL(two.mongodb).host)
  one.leave()
  two.leave()
  await until('everything to stop once the last has left', 30_000, isFree(dir))
  for (const pid of one.pids) assert.equal(isAlive(pid), false)
})

test('one that leaves takes nothing from those who stay, and one that is killed leaves like any other', async (t) => {
  const dir = folder(t)
  const [stays, leaves] = [await user(t, dir), await user(t, dir)]
  leaves.leave()
  const third = await user(t, dir)
  assert.deepEqual(third.pids, stays.pids)
  for (const pid of stays.pids) assert.ok(isAlive(pid))
  third.kill()
  stays.kill()
  await until('everything to stop', 30_000, isFree(dir))
  for (const pid of stays.pids) assert.equal(isAlive(pid), false)
})
