import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { mailServer } from '@parley/infra/mail-server'
import { until } from '@parley/infra/until'
import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { makeKeys, readKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { notice } from './service.fixture.ts'

const DEADLINE = 20_000

function run(t: TestContext, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [new URL('./main.ts', import.meta.url).pathname], {
    env: {
      ...process.env,
      PARLEY_ORIGINS: 'https://chat.example.org',
      // Nobody is there: mail that names no user goes without them.
      USER_SERVICE_URL: 'http://127.0.0.1:1',
      CHAT_SERVICE_URLS: 'http://127.0.0.1:1',
      PORT: '0',
      INTERNAL_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  return child
}

/** The service as it runs by itself, ready, with the ports it said. */
async function start(t: TestContext, env: Record<string, string>) {
  const child = run(t, env)
  let said: { port?: number; internalPort?: number } = {}
  for await (const line of createInterface({ input: child.stdout! })) {
    said = JSON.parse(line)
    if (said.port) break
  }
  child.stdout!.resume()
  const ask = (url: string, headers: Record<string, string> = {}) =>
    fetch(url, { headers, signal: AbortSignal.timeout(DEADLINE) })
  return {
    child,
    get: (path: string) => ask(`http://127.0.0.1:${said.port}${path}`),
    internal: (path: string, headers?: Record<string, string>) =>
      ask(`http://127.0.0.1:${said.internalPort}${path}`, headers),
    async stop(): Promise<number | null> {
      child.kill('SIGTERM')
      return (await once(child, 'exit', { signal: AbortSignal.timeout(DEADLINE) }))[0]
    },
  }
}

/** Publishes letters as the user service does, and of nobody in particular: else it is asked whether they are still there. */
async function publisher(t: TestContext, rabbitUrl: string) {
  const bus = rabbitBus(rabbitUrl, { log: openLog('test', 'silent') })
  t.after(() => bus[Symbol.asyncDispose]())
  const up = Promise.withResolvers<void>()
  bus.onState((state) => state === 'up' && up.resolve())
  if (bus.state !== 'up') await up.promise
  return (id: string) => {
    const occurredAt = new Date().toISOString()
    const { userId: _nobody, ...data } = notice()
    return bus.publish({ id, type: 'mail.requested', version: 1, occurredAt, key: id, rev: 1, data })
  }
}

function keyFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-notification-main-'))
  t.after(() => rmSync(dir, { recursive: true }))
  makeKeys(join(dir, 'keys.json'))
  return join(dir, 'keys.json')
}

test('by itself it takes mail from the broker, once, and two of it are one service', { timeout: 90_000 }, async (t) => {
  const keys = keyFile(t)
  const env = {
    MONGODB_URL: await infra.mongodb(),
    RABBITMQ_URL: await infra.rabbitmq(),
    PARLEY_KEY_FILE: keys,
    MAIL_CAPTURE: '1',
  }
  const [one, other] = [await start(t, env), await start(t, env)]
  const publish = await publisher(t, env.RABBITMQ_URL)
  const ids = Array.from({ length: 12 }, (_, i) => `letter-${i}`)
  for (const id of [...ids, ...ids]) await publish(id)

  const key = readKeys(keys, ['internal']).internal.toString('base64url')
  const captured = async (service: typeof one) => {
    const { items } = (await (await service.internal('/internal/mail', { authorization: `Bearer ${key}` })).json()) as {
      items: { id: string }[]
    }
    return items.map(({ id }) => id).sort()
  }
  await until('all letters to be captured', DEADLINE, async () => (await captured(one)).length === ids.length)
  assert.deepEqual(await captured(other), ids.toSorted())
  // Each process counts what it has settled itself; together they settled each once.
  const settled = async (service: typeof one) => {
    const text = await (await service.internal('/metrics')).text()
    return Number(/^parley_deliveries_total\{channel="mail",outcome="sent"\} (\d+)/m.exec(text)?.[1] ?? 0)
  }
  await until('all to be settled', DEADLINE, async () => (await settled(one)) + (await settled(other)) === ids.length)
  assert.match(await (await one.internal('/metrics')).text(), /parley_deliveries_open\{channel="mail"\} 0/)
  assert.deepEqual(await (await one.get('/readyz')).json(), {
    // Nobody is there who knows who is signed in: mail goes all the same.
    status: 'down',
    parts: { 'notification-store': 'up', bus: 'up', mail: 'up', 'notification-sign-in': 'down' },
  })
  assert.deepEqual([await one.stop(), await other.stop()], [0, 0])
})

test('of two that send, one may be killed: every letter arrives, and only what it had in its hands comes again, as the same mail', {
  timeout: 120_000,
}, async (t) => {
  const server = await mailServer(t, { waitMs: 30 })
  const env = {
    MONGODB_URL: await infra.mongodb(),
    RABBITMQ_URL: await infra.rabbitmq(),
    PARLEY_KEY_FILE: keyFile(t),
    SMTP_URL: server.url,
    MAIL_FROM: 'Parley <parley@example.org>',
  }
  const [one, other] = [await start(t, env), await start(t, env)]
  const publish = await publisher(t, env.RABBITMQ_URL)
  const ids = Array.from({ length: 40 }, (_, i) => `letter-${i}`)
  const publishing = Promise.all(ids.map((id) => publish(id)))
  await server.mails(8)
  one.child.kill('SIGKILL')
  await publishing
  const arrived = () => new Set(server.received.map(({ messageId }) => messageId))
  await until('every letter to arrive', 60_000, () => arrived().size === ids.length)
  assert.deepEqual([...arrived()].sort(), ids.map((id) => `<${id}@chat.example.org>`).sort())
  await until('all to be settled', 60_000, async () =>
    /parley_deliveries_open\{channel="mail"\} 0/.test(await (await other.internal('/metrics')).text()),
  )
  assert.ok(server.received.length <= ids.length + 4, `${server.received.length} for ${ids.length} letters`)
  assert.equal(await other.stop(), 0)
})

test('without its broker it goes on and says that it is degraded; without settings it says what it lacks and ends', {
  timeout: 60_000,
}, async (t) => {
  const env = { MONGODB_URL: await infra.mongodb(), RABBITMQ_URL: 'amqp://127.0.0.1:1', PARLEY_KEY_FILE: keyFile(t) }
  const refused = run(t, env)
  let said = ''
  refused.stderr!.on('data', (data) => (said += data))
  const [code] = await once(refused, 'close', { signal: AbortSignal.timeout(DEADLINE) })
  assert.deepEqual([code, /SMTP_URL is missing/.test(said)], [1, true], said)

  const service = await start(t, { ...env, MAIL_CAPTURE: '1' })
  const ready = await service.get('/readyz')
  assert.equal(((await ready.json()) as { parts: { bus: string } }).parts.bus, 'degraded')
  assert.equal(await service.stop(), 0)
})
