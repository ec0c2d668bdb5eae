import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Stack, startStack } from './stack.ts'
import { until } from './until.ts'

const get = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(5_000) })

async function isReady(stack: Stack): Promise<boolean> {
  const response = await get(`${stack.url}/readyz`)
  await response.body?.cancel()
  return response.ok
}

async function survivesKill(stack: Stack, name: string): Promise<void> {
  const before = stack.pid(name)
  await stack.kill(name)
  assert.equal(stack.alive(name), false)
  assert.throws(() => process.kill(before, 0), `${name} is gone`)
  await stack.start(name)
  assert.notEqual(stack.pid(name), before)
  await until(`the stack to be ready after ${name} was killed`, 20_000, () => isReady(stack))
}

test('all-in-one starts, is killed, and is there again on the same port', async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  assert.deepEqual(stack.names(), ['parley'])
  assert.ok(await isReady(stack))
  await survivesKill(stack, 'parley')
})

test('scale-out starts, and each of its processes comes back after SIGKILL, the servers beneath included', async () => {
  await using stack = await startStack({ shape: 'scale-out', chatNodes: 2, ownServers: true })
  assert.deepEqual(stack.names(), [
    'user',
    'chat-1',
    'chat-2',
    'notification-1',
    'notification-2',
    'nginx',
    'rabbitmq',
    'mongodb',
  ])
  assert.ok(await isReady(stack))
  for (const name of stack.names()) await survivesKill(stack, name)
})

test('scale-out on the shared servers answers through Nginx for every service, and for nothing internal', async () => {
  await using stack = await startStack({ shape: 'scale-out', chatNodes: 2 })
  assert.deepEqual(stack.names(), ['user', 'chat-1', 'chat-2', 'notification-1', 'notification-2', 'nginx'])
  const keys = (await (await get(`${stack.url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  assert.ok(keys.keys.length > 0, 'the user service answers')
  assert.equal((await get(`${stack.url}/api/user/me`)).status, 401)
  assert.equal((await get(`${stack.url}/api/conversations`)).status, 401)
  assert.ok((await get(`${stack.internalUrl('chat-1')}/metrics`)).ok, 'the internal port is there')
  for (const path of [
    '/internal/users?ids=x',
    '/%69nternal/users',
    '/api/..%2finternal/users',
    '/metrics',
    '//metrics',
  ]) {
    assert.equal((await get(stack.url + path)).status, 404, path)
  }
})

test('a chat node that is frozen leaves the others reachable, and answers again when it goes on', async () => {
  await using stack = await startStack({ shape: 'scale-out', chatNodes: 2 })
  stack.freeze('chat-1')
  await assert.rejects(get(`${stack.urlOf('chat-1')}/healthz`))
  assert.ok((await get(`${stack.urlOf('chat-2')}/healthz`)).ok)
  stack.resume('chat-1')
  assert.ok((await get(`${stack.urlOf('chat-1')}/healthz`)).ok)
})

test('a process that ends while it starts is told with its own words', async () => {
  await assert.rejects(
    startStack({ shape: 'all-in-one', env: { PARLEY_ORIGINS: 'nonsense' } }),
    /parley ended \(exit code 1\)[\s\S]*PARLEY_ORIGINS/,
  )
})
