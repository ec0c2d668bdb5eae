import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import express from 'express'
import { Fault } from './fault.ts'
import { depthAbove, type Http, type HttpOptions, listen } from './http.ts'
import { openLog } from './log.ts'

const log = openLog('test', 'silent')

async function open(t: TestContext, options: Partial<HttpOptions> = {}): Promise<Http & { url: string }> {
  const http = await listen({ host: '127.0.0.1', port: 0, log, ...options })
  t.after(() => http[Symbol.asyncDispose]())
  http.routes.post('/echo', (req, res) => void res.json(req.body ?? null))
  http.routes.get('/fault', () => {
    throw new Fault('rate.limited', 'Slower', { retryAfterMs: 1_200 })
  })
  http.routes.get('/signed-in', async () => {
    throw new Fault('auth.invalid', 'Sign in')
  })
  http.routes.get('/defect', async () => {
    throw new Error('secret cause')
  })
  http.routes.get('/thing/:id', (req, res) => void res.json(req.params))
  return { ...http, url: `http://127.0.0.1:${http.port}` }
}

const post = (url: string, body: BodyInit, type = 'application/json'): Promise<Response> =>
  fetch(`${url}/echo`, { method: 'POST', headers: { 'content-type': type }, body, signal: AbortSignal.timeout(5_000) })

test('a JSON body is parsed, and one that is broken, too large, too deep or of another kind is refused', async (t) => {
  const { url } = await open(t)
  assert.deepEqual(await (await post(url, '{"a":[1]}')).json(), { a: [1] })
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  const refused: [BodyInit, string | undefined, number, string][] = [
    ['{"a":', undefined, 400, 'validation.failed'],
    ['7', undefined, 400, 'validation.failed'],
    [nested(LIMITS.jsonDepth + 1), undefined, 400, 'validation.failed'],
    [nested(20_000), undefined, 400, 'validation.failed'],
    [JSON.stringify('x'.repeat(LIMITS.frameBytes)), undefined, 413, 'too_large'],
    ['a=b', 'application/x-www-form-urlencoded', 415, 'unsupported'],
    ['{"a":1}', 'text/plain', 415, 'unsupported'],
    ['{"a":1}', 'application/json; charset=latin1', 415, 'unsupported'],
  ]
  for (const [body, type, status, code] of refused) {
    const reply = await post(url, body, type)
    assert.equal(reply.status, status, String(body).slice(0, 30))
    assert.equal(reply.headers.get('content-type'), 'application/problem+json; charset=utf-8')
    assert.equal(((await reply.json()) as { code: string }).code, code)
  }
  assert.equal((await post(url, nested(LIMITS.jsonDepth))).status, 200)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('what no route answers is unavailable while the server starts, and not found after', async (t) => {
  const http = await open(t, { internalPort: 0, starting: true })
  const urls = [http.url, `http://127.0.0.1:${http.internalPort}`].map((base) => `${base}/api/sync`)
  const codes = async () =>
    Promise.all(urls.map(async (url) => ((await (await fetch(url)).json()) as { code: string }).code))
  assert.deepEqual(await codes(), ['unavailable', 'unavailable'])
  http.started()
  assert.deepEqual(await codes(), ['not_found', 'not_found'])
})

test('no request is told "ready" or "not found" by a server that starts, however early it comes', async () => {
  const free = await listen({ host: '127.0.0.1', port: 0, internalPort: 0, log })
  const { port, internalPort = 0 } = free
  await free[Symbol.asyncDispose]()
  const heard = new Set<string>()
  for (let start = 0; start < 10; start++) {
    const knocks: Promise<string>[] = []
    let opened = false
    const knocking = (async () => {
      while (!opened) {
        knocks.push(statusOf(port, '/readyz'), statusOf(internalPort, '/internal/users'))
        await new Promise(setImmediate)
      }
    })()
    // A host that is a name is looked up: one port is open some turns before the other.
    const http = await listen({ host: '127.0.0.1', port, internalHost: 'localhost', internalPort, log, starting: true })
    knocks.push(statusOf(port, '/readyz'))
    opened = true
    await knocking
    for (const status of await Promise.all(knocks)) heard.add(status)
    await http[Symbol.asyncDispose]()
  }
  heard.delete('refused')
  assert.deepEqual([...heard], ['503'])
})

/** Whether a connection made now is refused, or what the request on it is told. */
function statusOf(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n`)
    })
    socket.once('data', (answer) => resolve(answer.toString().split(' ')[1]!))
    socket.on('error', () => resolve('refused'))
  })
}

test('a refusal carries its request id and when to try again, a defect nothing of its cause', async (t) => {
  const { url } = await open(t)
  const slow = await fetch(`${url}/fault`, { headers: { 'x-request-id': 'request-1234' } })
  assert.equal(slow.status, 429)
  assert.equal(slow.headers.get('retry-after'), '2')
  assert.equal(slow.headers.get('x-request-id'), 'request-1234')
  assert.equal(((await slow.json()) as { requestId: string }).requestId, 'request-1234')
  const odd = await fetch(`${url}/fault`, { headers: { 'x-request-id': 'has blanks <script>' } })
  assert.match(odd.headers.get('x-request-id')!, /^[0-9a-f-]{36}$/)
  const defect = await fetch(`${url}/defect`)
  assert.equal(defect.status, 500)
  assert.doesNotMatch(await defect.text(), /secret|at /)
  const unsigned = await fetch(`${url}/signed-in`)
  assert.equal(unsigned.headers.get('www-authenticate'), 'Bearer')
})

test('what is not there, and what cannot be read, is a problem document', async (t) => {
  const { url } = await open(t)
  assert.equal((await fetch(`${url}/nowhere`)).status, 404)
  assert.equal((await fetch(`${url}/thing/%E0%A4%A`)).status, 400)
  assert.equal(((await (await fetch(`${url}/nowhere`)).json()) as { code: string }).code, 'not_found')
})

test('what is wrong with the asking of a file is not our failure', async (t) => {
  const http = await open(t)
  http.fallback.use(express.static(import.meta.dirname))
  const { status } = await fetch(`${http.url}/package.json`)
  assert.equal(status, 200)
  for (const headers of [{ range: 'bytes=9999999-' }, { 'if-match': '"another"' }] as Record<string, string>[]) {
    const reply = await fetch(`${http.url}/package.json`, { headers })
    assert.equal(reply.status, 400)
    assert.equal(((await reply.json()) as { code: string }).code, 'validation.failed')
  }
})

test('readiness is what the parts say: one that is down makes it 503, one that is degraded does not', async (t) => {
  const http = await open(t)
  const ready = async (): Promise<[number, unknown]> => {
    const reply = await fetch(`${http.url}/readyz`)
    return [reply.status, await reply.json()]
  }
  assert.deepEqual(await ready(), [200, { status: 'ready', parts: {} }])
  http.ready('store', async () => 'up')
  const bus = http.ready('bus', async () => 'degraded')
  assert.deepEqual(await ready(), [200, { status: 'degraded', parts: { store: 'up', bus: 'degraded' } }])
  const failing = http.ready('failing', async () => {
    throw new Error('no')
  })
  assert.equal((await ready())[0], 503)
  failing[Symbol.dispose]()
  bus[Symbol.dispose]()
  assert.deepEqual(await ready(), [200, { status: 'ready', parts: { store: 'up' } }])
})

test('internal routes are on the internal port and not on the public one', async (t) => {
  const http = await open(t, { internalPort: 0 })
  http.internal.get('/internal/x', (_req, res) => void res.json('inside'))
  const inside = await fetch(`http://127.0.0.1:${http.internalPort}/internal/x`)
  assert.equal(await inside.json(), 'inside')
  for (const path of ['/internal/x', '//internal/x', '/%69nternal/x', '/echo/..;/internal/x'])
    assert.equal((await fetch(http.url + path)).status, 404, path)
})

test('pages may not be framed, sniffed or script anything of others', async (t) => {
  const { url } = await open(t)
  const { headers } = await fetch(`${url}/healthz`)
  assert.equal(headers.get('x-powered-by'), null)
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.match(headers.get('content-security-policy')!, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/)
  assert.match(headers.get('content-security-policy')!, /;connect-src 'self';/)
  const more = await open(t, { connectSources: ['https://one.example.org', 'https://two.example.org'] })
  const set = (await fetch(`${more.url}/healthz`)).headers.get('content-security-policy')!
  assert.match(set, /;connect-src 'self' https:\/\/one\.example\.org https:\/\/two\.example\.org;/)
})

test('a port in use is one clear error, and nothing stays open', async (t) => {
  const { port } = await open(t)
  await assert.rejects(listen({ host: '127.0.0.1', port, log }), new RegExp(`Port ${port} .* is in use`))
  const free = await listen({ host: '127.0.0.1', port: 0, log })
  await free[Symbol.asyncDispose]()
  await assert.rejects(listen({ host: '127.0.0.1', port: free.port, internalPort: port, log }), /is in use/)
  const again = await listen({ host: '127.0.0.1', port: free.port, log })
  await again[Symbol.asyncDispose]()
})

test('a request that is no HTTP, or has endless headers, ends its own connection only', async (t) => {
  const { url, port } = await open(t)
  const raw = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
    socket.write(text)
    await new Promise<void>((resolve) => socket.once('close', () => resolve()))
    return answer.split('\r\n')[0]!
  }
  assert.match(await raw('GARBAGE\r\n\r\n'), /400/)
  // The answer may be lost with the connection, since the rest of the request is never read.
  assert.match(
    await raw(`GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'x'.repeat(1_000_000)}\r\n\r\n`),
    /^$|431/,
  )
  assert.match(
    await raw('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    /400/,
  )
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('depth is measured without recursion', () => {
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  assert.equal(depthAbove(deep, 20), true)
  assert.equal(depthAbove({ a: { b: 1 } }, 2), false)
  assert.equal(depthAbove({ a: { b: {} } }, 2), true)
  assert.equal(depthAbove('text', 0), false)
})
