import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { makeKeys, readKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'

const DEADLINE = 20_000

/** The service as it runs by itself, ready, with the ports it said. */
async function start(t: TestContext, settings: { mongoUrl: string; rabbitUrl: string; keyFile: string }) {
  const env = {
    ...process.env,
    MONGODB_URL: settings.mongoUrl,
    RABBITMQ_URL: settings.rabbitUrl,
    PARLEY_KEY_FILE: settings.keyFile,
    PARLEY_ORIGINS: 'https://chat.example.org',
    PARLEY_BCRYPT_COST: '4',
    PORT: '0',
    INTERNAL_PORT: '0',
  }
  const child = spawn(process.execPath, [new URL('./main.ts', import.meta.url).pathname], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  let said: { port?: number; internalPort?: number } = {}
  for await (const line of createInterface({ input: child.stdout })) {
    said = JSON.parse(line)
    if (said.port) break
  }
  child.stdout.resume()
  const url = `http://127.0.0.1:${said.port}`
  return {
    async call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
      const response = await fetch(url + path, {
        method,
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(DEADLINE),
      })
      const text = await response.text()
      return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> }
    },
    internal: `http://127.0.0.1:${said.internalPort}`,
    async stop(): Promise<number | null> {
      child.kill('SIGTERM')
      return (await once(child, 'exit', { signal: AbortSignal.timeout(DEADLINE) }))[0]
    },
  }
}

function keyFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-user-main-'))
  t.after(() => rmSync(dir, { recursive: true }))
  makeKeys(join(dir, 'keys.json'))
  return join(dir, 'keys.json')
}

const ANN = { username: 'ann', email: 'ann@example.org', password: 'securePass123' }

test('by itself it registers, logs in, announces and revokes, and two of it are one service', {
  timeout: 90_000,
}, async (t) => {
  const settings = { mongoUrl: await infra.mongodb(), rabbitUrl: await infra.rabbitmq(), keyFile: keyFile(t) }
  const heard: BusEvent[] = []
  const bus = rabbitBus(settings.rabbitUrl, { log: openLog('test', 'silent') })
  t.after(() => bus[Symbol.asyncDispose]())
  const { promise: told, resolve } = Promise.withResolvers<void>()
  const { promise: announced, resolve: take } = Promise.withResolvers<BusEvent>()
  await bus.listen(['control.appended'], (event) => {
    heard.push(event)
    resolve()
  })
  await bus.subscribe('chat.users', async (event) => take(event))
  const [one, other] = [await start(t, settings), await start(t, settings)]

  const { status, body } = await one.call('POST', '/api/user/register', ANN)
  assert.equal(status, 201)
  assert.deepEqual((await announced).data, { id: (body.user as { id: string }).id, username: 'ann' })

  const { body: login } = await one.call('POST', '/api/user/login', { ...ANN, tokens: 'body' })
  const authorization = `Bearer ${login.token}`
  assert.deepEqual((await other.call('GET', '/api/user/me', undefined, { authorization })).body, body.user)
  const replies = await Promise.all(
    [one, other].map((each) => each.call('POST', '/api/user/refresh', { refreshToken: login.refreshToken })),
  )
  assert.deepEqual([replies[0]?.status, replies[1]?.body.refreshToken], [200, replies[0]?.body.refreshToken])

  assert.equal((await other.call('POST', '/api/user/logout', undefined, { authorization })).status, 204)
  assert.equal((await one.call('GET', '/api/user/me', undefined, { authorization })).status, 401)
  await told
  const key = readKeys(settings.keyFile, ['internal']).internal.toString('base64url')
  const log = await fetch(`${one.internal}/internal/control?after=0`, { headers: { authorization: `Bearer ${key}` } })
  const { entries, head } = (await log.json()) as { entries: { sessionId: string }[]; head: number }
  assert.deepEqual([entries.map((entry) => entry.sessionId), head], [[login.sessionId], 1])
  assert.deepEqual(
    heard.map((event) => event.rev),
    [1],
  )
  assert.equal(await one.stop(), 0)
  assert.equal(await other.stop(), 0)
})

test('without its broker it serves as ever, and says that it is degraded', { timeout: 60_000 }, async (t) => {
  const settings = { mongoUrl: await infra.mongodb(), rabbitUrl: 'amqp://127.0.0.1:1', keyFile: keyFile(t) }
  const service = await start(t, settings)
  assert.equal((await service.call('POST', '/api/user/register', ANN)).status, 201)
  const { body: login } = await service.call('POST', '/api/user/login', ANN)
  assert.equal(
    (await service.call('POST', '/api/user/logout', undefined, { authorization: `Bearer ${login.token}` })).status,
    204,
  )
  const ready = await service.call('GET', '/readyz')
  assert.deepEqual(
    [ready.status, ready.body],
    [200, { status: 'degraded', parts: { 'user-store': 'up', bus: 'degraded' } }],
  )
  assert.equal(await service.stop(), 0)
})
