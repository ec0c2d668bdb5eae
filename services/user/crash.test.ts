import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import type { CrashPoint } from '@parley/kit/crash'
import type { Mail } from '@parley/protocol/mail'
import { tokenIn } from './mail.fixture.ts'
import { PASSWORD } from './service.fixture.ts'

type Told = Mail | { kind: 'user.deleted'; id: string; messages: string }

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
    const lines = createInterface({ input: child.stdout! })
    const mails: Told[] = []
    const ready = Promise.withResolvers<string>()
    lines.once('line', (port) => {
      ready.resolve(port)
      lines.on('line', (line) => {
        mails.push(JSON.parse(line))
        lines.emit('mail')
      })
    })
    const died = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
    const port = await Promise.race([
      ready.promise,
      died.then(() => Promise.reject(new Error('it died before it was ready'))),
    ])
    died.catch(() => {})
    return {
      /** The first mail (or deletion) of that kind, as soon as it was told. */
      async mail<K extends Told['kind']>(kind: K): Promise<Extract<Told, { kind: K }>> {
        const signal = AbortSignal.timeout(10_000)
        for (;;) {
          const found = mails.find((mail) => mail.kind === kind)
          if (found) return found as Extract<Told, { kind: K }>
          await once(lines, 'mail', { signal })
        }
      },
      async post(path: string, body: object, headers: Record<string, string> = {}, method = 'POST') {
        const response = await fetch(`http://127.0.0.1:${port}/api/user/${path}`, {
          method,
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        })
        const text = await response.text()
        return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> }
      },
      async get(path: string, headers: Record<string, string>) {
        const response = await fetch(`http://127.0.0.1:${port}/api/user/${path}`, { headers })
        return (await response.json()) as Record<string, unknown>
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

test('a link that was asked for is mailed though the service dies before it answers', async (t) => {
  const start = openFolder(t)
  const dying = await start('mail.after-commit')
  await dying.post('register', ANN)
  await assert.rejects(dying.post('password/forgot', { email: ANN.email }))
  await dying.died()
  const next = await start()
  const token = tokenIn(await next.mail('password.reset'))
  assert.equal((await next.post('password/reset', { token, newPassword: 'another secret 9' })).status, 204)
})

test('a password that is set by a link when the service dies is set, told by mail, and its repeat is answered as the first would have been', async (t) => {
  const start = openFolder(t)
  const dying = await start('reset.after-commit')
  await dying.post('register', ANN)
  const { body: login } = await dying.post('login', { ...ANN, tokens: 'body' })
  await dying.post('password/forgot', { email: ANN.email })
  const token = tokenIn(await dying.mail('password.reset'))
  const input = { token, newPassword: 'another secret 9' }
  await assert.rejects(dying.post('password/reset', input))
  await dying.died()
  const next = await start()
  assert.equal((await next.mail('password.changed')).to, ANN.email)
  assert.equal((await next.post('password/reset', input)).status, 204)
  assert.equal((await next.post('refresh', { refreshToken: login.refreshToken })).status, 401)
  assert.equal((await next.post('login', { ...ANN, password: input.newPassword })).status, 200)
})

test('an address that is confirmed when the service dies is the account’s, and the one before is told', async (t) => {
  const start = openFolder(t)
  const dying = await start('email.after-commit')
  await dying.post('register', ANN)
  const { body: login } = await dying.post('login', { ...ANN, tokens: 'body' })
  const authorization = `Bearer ${login.token}`
  await dying.post('email', { email: 'new@example.org', password: PASSWORD }, { authorization })
  const token = tokenIn(await dying.mail('email.change'))
  await assert.rejects(dying.post('email/confirm', { token }))
  await dying.died()
  const next = await start()
  assert.equal((await next.mail('email.changed')).to, ANN.email)
  assert.equal((await next.post('email/confirm', { token })).status, 204)
  assert.equal((await next.post('login', { ...ANN, email: 'new@example.org' })).status, 200)
})

for (const point of ['delete.after-commit', 'delete.before-told'] as const)
  test(`an account whose service dies at ${point} is deleted, and the others hear of it`, async (t) => {
    const start = openFolder(t)
    const dying = await start(point)
    await dying.post('register', ANN)
    await dying.post('register', { ...ANN, username: 'ben', email: 'ben@example.org' })
    const { body: login } = await dying.post('login', { ...ANN, tokens: 'body' })
    const { body: ben } = await dying.post('login', { ...ANN, email: 'ben@example.org', tokens: 'body' })
    const { id } = login.user as { id: string }
    const path = `contacts/${id}/request`
    await dying.post(path, {}, { authorization: `Bearer ${ben.token}` }, 'PUT')
    const wish = { password: PASSWORD, messages: 'erase' }
    await dying.post('me', wish, { authorization: `Bearer ${login.token}` }, 'DELETE').catch(() => {})
    await dying.died()
    const next = await start()
    assert.deepEqual(await next.mail('user.deleted').then(({ id, messages }) => [id, messages]), [id, 'erase'])
    assert.equal((await next.post('login', ANN)).status, 401)
    assert.equal((await next.post('refresh', { refreshToken: login.refreshToken })).status, 401)
    const list = await next.get('contacts?list=outgoing', { authorization: `Bearer ${ben.token}` })
    assert.deepEqual(list.items, [])
  })
