import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nginx, type Site } from './nginx.ts'
import { until } from './until.ts'

/** A stand-in for a service: says its name, and remembers what reached it. */
async function service(t: TestContext, name: string) {
  const seen: IncomingMessage[] = []
  const server = createServer((req, res) => {
    seen.push(req)
    res.end(name)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  t.after(close)
  return { port: (server.address() as AddressInfo).port, seen, close }
}

async function front(t: TestContext, site: Omit<Site, 'webRoot'>) {
  const dir = mkdtempSync(join(tmpdir(), 'parley-nginx-'))
  const server = await nginx(dir, { ...site, webRoot: join(import.meta.dirname, 'fixtures', 'pages') })
  await server.start()
  t.after(async () => {
    await server.kill()
    rmSync(dir, { recursive: true, force: true })
  })
  return { url: server.url, dir }
}

/** As `fetch`, but the path is sent as it is and any header may be set. */
function get(url: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const req = request({ hostname, port, path, headers, signal: AbortSignal.timeout(10_000) }, async (res) => {
      const body = (await res.toArray()).join('')
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body })
    })
    req.on('error', reject)
    req.end()
  })
}

async function parley(t: TestContext, more: Partial<Site> = {}) {
  const [user, one, two] = [await service(t, 'user'), await service(t, 'one'), await service(t, 'two')]
  const notification = await service(t, 'notification')
  const ports = { user: user.port, chat: [one.port, two.port], notification: [notification.port] }
  return { user, one, two, notification, ...(await front(t, { ...ports, ...more })) }
}

test('each path goes to the service that owns it', async (t) => {
  const { url } = await parley(t)
  for (const path of ['/api/user/login', '/api/user', '/.well-known/jwks.json'])
    assert.equal((await get(url, path)).body, 'user', path)
  for (const path of ['/api/notifications', '/api/notifications/why?seq=1', '/api/devices', '/api/devices/x'])
    assert.equal((await get(url, path)).body, 'notification', path)
  for (const path of [
    '/api/messages/send',
    '/api/users',
    '/api/devicesome',
    '/healthz',
    '/readyz',
    '/socket.io/?EIO=4',
  ])
    assert.match((await get(url, path)).body, /^(one|two)$/, path)
})

test('internal paths are not found, however they are written', async (t) => {
  const { url, user, one, two, notification } = await parley(t)
  assert.equal((await get(url, '/api/user/me')).body, 'user')
  const before = [user, one, two, notification].flatMap((each) => each.seen).length
  const paths = ['/internal', '/internal/users', '/metrics', '//metrics', '/%6detrics', '/%69nternal/users']
  const climbing = [
    '/api/../internal/users',
    '/api/..%2finternal/users',
    '/api/user/%2e%2e/%2e%2e/metrics',
    '/./metrics',
  ]
  for (const path of [...paths, ...climbing]) {
    const { status, headers, body } = await get(url, path)
    assert.equal(status, 404, path)
    assert.equal(headers['content-type'], 'application/problem+json', path)
    assert.equal(JSON.parse(body).code, 'not_found')
  }
  assert.equal(
    [user, one, two, notification].flatMap((each) => each.seen).length,
    before,
    'nothing of it reached a service',
  )
})

test('one partition is served by one chat node, and all nodes have some', async (t) => {
  const { url } = await parley(t)
  const nodeOf = async (partition: number) => (await get(url, `/socket.io/?EIO=4&p=${partition}`)).body
  const first = await Promise.all(Array.from({ length: 256 }, (_, partition) => nodeOf(partition)))
  const again = await Promise.all(Array.from({ length: 256 }, (_, partition) => nodeOf(partition)))
  assert.deepEqual(again, first)
  for (const name of ['one', 'two']) {
    const share = first.filter((each) => each === name).length
    assert.ok(share > 64, `${name} has ${share} of 256 partitions`)
  }
})

test('when a chat node goes its partitions are served by the others', async (t) => {
  const { url, one } = await parley(t)
  const nodeOf = async (partition: number) => (await get(url, `/socket.io/?p=${partition}`)).body
  const before = await Promise.all(Array.from({ length: 64 }, (_, partition) => nodeOf(partition)))
  assert.ok(before.includes('one') && before.includes('two'))
  one.close()
  const after = await Promise.all(Array.from({ length: 64 }, (_, partition) => nodeOf(partition)))
  assert.deepEqual(new Set(after), new Set(['two']))
  assert.equal((await get(url, '/api/conversations')).body, 'two')
})

test('what a client says of its own address, request id or protocol does not reach a service', async (t) => {
  const { url, user } = await parley(t)
  const lies = {
    'x-forwarded-for': '6.6.6.6',
    forwarded: 'for=6.6.6.6',
    'x-real-ip': '6.6.6.6',
    'x-forwarded-host': 'evil',
  }
  await get(url, '/api/user/me', { ...lies, 'x-forwarded-proto': 'https', 'x-request-id': 'chosen-by-me' })
  const { headers } = user.seen[0]!
  assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(headers['x-forwarded-proto'], 'http')
  assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
  for (const name of ['forwarded', 'x-real-ip', 'x-forwarded-host']) assert.equal(headers[name], undefined, name)
  assert.equal(headers.host, new URL(url).host, 'the origin check compares with this')
})

test('with no node left a client is told to come again, in the form of every other refusal', async (t) => {
  const { url, user, one, two } = await parley(t)
  for (const each of [user, one, two]) each.close()
  for (const path of ['/api/user/me', '/api/conversations', '/socket.io/?p=1']) {
    const { status, headers, body } = await get(url, path)
    assert.equal(status, 503)
    assert.equal(headers['retry-after'], '1')
    const problem = JSON.parse(body)
    assert.equal(problem.code, 'unavailable')
    assert.equal(problem.retryable, true)
    assert.ok(problem.requestId)
  }
})

test('too many requests from one address are refused, with a time to come again', async (t) => {
  const { url } = await parley(t, { requestsPerSecond: 1, requestBurst: 5 })
  const replies = await Promise.all(Array.from({ length: 20 }, () => get(url, '/api/user/me')))
  assert.ok(replies.some(({ status }) => status === 200))
  const refused = replies.find(({ status }) => status === 429)
  assert.ok(refused)
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal(JSON.parse(refused.body).code, 'rate.limited')
})

test('a body that is too large is refused before a service sees it', async (t) => {
  const { url, user } = await parley(t)
  const response = await fetch(`${url}/api/user/login`, { method: 'POST', body: 'x'.repeat(200_000) })
  assert.equal(response.status, 413)
  assert.equal(((await response.json()) as { code: string }).code, 'too_large')
  assert.equal(user.seen.length, 0)
})

test('pages speak to this server alone, unless they are let speak to others', async (t) => {
  for (const pageSources of [[], ['https://one.example.org', 'https://two.example.org']]) {
    const { url } = await parley(t, { pageSources })
    for (const path of ['/', '/assets/app-1a2b.js']) {
      const policy = String((await get(url, path)).headers['content-security-policy'])
      const [, sources = ''] = /; connect-src ([^;]*);/.exec(policy) ?? []
      assert.deepEqual(sources.split(' ').filter(Boolean), ["'self'", ...pageSources])
    }
  }
})

test('the web client is served with its security headers, assets for ever and pages anew each time', async (t) => {
  const { url } = await parley(t)
  for (const path of ['/', '/index.html', '/c/some-conversation']) {
    const { status, headers, body } = await get(url, path)
    assert.equal(status, 200, path)
    assert.match(body, /<title>A page<\/title>/)
    assert.equal(headers['cache-control'], 'no-cache')
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  const asset = await get(url, '/assets/app-1a2b.js')
  assert.equal(asset.status, 200)
  assert.equal(asset.headers['content-type'], 'text/javascript')
  assert.match(String(asset.headers['cache-control']), /immutable/)
  assert.equal(asset.headers['x-content-type-options'], 'nosniff')
  assert.equal((await get(url, '/assets/gone.js')).status, 404)
  assert.doesNotMatch(String(asset.headers.server), /\d/, 'it does not tell its version')
})

test('logs hold paths, never query strings', async (t) => {
  const { url, dir, one, two } = await parley(t)
  await get(url, '/api/search?q=secret-words')
  one.close()
  two.close()
  await get(url, '/api/search?q=secret-words')
  const log = () => readFileSync(join(dir, 'access.log'), 'utf8')
  await until('the requests to be logged', 5_000, () => log().split('\n').length > 2)
  assert.match(log(), /"path":"\/api\/search"/)
  assert.doesNotMatch(log() + readFileSync(join(dir, 'error.log'), 'utf8'), /secret/)
})
