import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import type { CrashPoint } from '@parley/kit/crash'
import { PASSWORD } from './service.fixture.ts'

const ANN = { username: 'ann', email: 'ann@example.org', password: PASSWORD }

/** A data folder, and the processes started on it. */
function openFolder(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-crash-'))
  const children: ChildProcess[] = []
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    rmSync(folder, { recursive: true })
  })

  return async function start(crashAt?: CrashPoint) {
    const env = { ...process.env, PARLEY_DATA: folder, PARLEY_BCRYPT_COST: '4', PARLEY_CRASH_AT: crashAt ?? '' }
    const program = new URL('./alone.fixture.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [port] = await Promise.race([
      once(createInterface({ input: child.stdout! }), 'line', { signal: AbortSignal.timeout(10_000) }),
      once(child, 'exit').then(() => Promise.reject(new Error('it died before it was ready'))),
    ])
    return {
      async post(path: string, body: object, headers: Record<string, string> = {}) {
        const response = await fetch(`http://127.0.0.1:${port}/api/user/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        })
        return { status: response.status, body: (await response.json()) as Record<string, unknown> }
      },
      /** Resolves when it has died of its crash point. */
      async died(): Promise<void> {
        if (child.signalCode === null) await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
        assert.equal(child.signalCode, 'SIGKILL')
      },
    }
  }
}

for (const point of ['refresh.before-commit', 'refresh.after-commit'] as const)
  test(`a refresh that is killed at ${point} is simply asked for again`, async (t) => {
    const start = openFolder(t)
    const dying = await start(point)
    await dying.post('register', ANN)
    const { body: login } = await dying.post('login', { ...ANN, tokens: 'body' })
    await assert.rejects(dying.post('refresh', { refreshToken: login.refreshToken }))
    await dying.died()

    const next = await start()
    const again = await next.post('refresh', { refreshToken: login.refreshToken })
    assert.equal(again.status, 200)
    assert.equal(again.body.sessionId, login.sessionId)
    const repeated = await next.post('refresh', { refreshToken: login.refreshToken })
    assert.equal(repeated.body.refreshToken, again.body.refreshToken)
    assert.equal((await next.post('refresh', { refreshToken: again.body.refreshToken })).status, 200)
  })

test('a registration that is killed after its commit is there, and its repeat is answered as the first would have been', async (t) => {
  const start = openFolder(t)
  const dying = await start('register.after-commit')
  const key = { 'idempotency-key': 'a-key-of-this-device' }
  await assert.rejects(dying.post('register', ANN, key))
  await dying.died()

  const next = await start()
  const repeat = await next.post('register', ANN, key)
  assert.equal(repeat.status, 201)
  const { body: login } = await next.post('login', ANN)
  assert.deepEqual(login.user, repeat.body.user)
})

test('a first start that is killed in the middle of a migration needs no help', async (t) => {
  const start = openFolder(t)
  await assert.rejects(start('migration.middle'))
  const next = await start()
  assert.equal((await next.post('register', ANN)).status, 201)
})
