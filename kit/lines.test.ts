import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Fault } from './fault.ts'
import { type Http, listen } from './http.ts'
import { openLines } from './lines.ts'
import { openLog } from './log.ts'

async function serve(t: TestContext, batches: () => AsyncIterable<readonly object[]>): Promise<Http> {
  const http = await listen({ host: '127.0.0.1', port: 0, log: openLog('test', 'silent') })
  t.after(() => http[Symbol.asyncDispose]())
  const lines = openLines()
  http.routes.get('/lines', (_req, res) => lines.send(res, 'ann', 'lines.ndjson', batches()))
  return http
}

const get = ({ port }: Http): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/lines`, { signal: AbortSignal.timeout(10_000) })

test('values come one a line, as a file that no cache keeps', async (t) => {
  const http = await serve(t, async function* () {
    yield [{ n: 1 }, { n: 2 }]
    yield []
    yield [{ text: 'two\nlines' }]
  })
  const reply = await get(http)
  assert.equal(reply.headers.get('content-type'), 'application/x-ndjson')
  assert.equal(reply.headers.get('content-disposition'), 'attachment; filename="lines.ndjson"')
  assert.equal(reply.headers.get('cache-control'), 'no-store')
  assert.equal(await reply.text(), '{"n":1}\n{"n":2}\n{"text":"two\\nlines"}\n')
})

test('whoever takes nothing is waited for, and not what there is kept in memory', async (t) => {
  let made = 0
  const text = 'x'.repeat(100_000)
  const ended = Promise.withResolvers<void>()
  const http = await serve(t, async function* () {
    try {
      for (; made < 10_000; made++) yield [{ text }]
    } finally {
      ended.resolve()
    }
  })
  const socket = connect(http.port, '127.0.0.1')
  socket.pause()
  socket.write('GET /lines HTTP/1.1\r\nHost: localhost\r\n\r\n')
  let before = -1
  // What the system's buffers take, it makes; then it stands still.
  for (const late = AbortSignal.timeout(8_000); made !== before || made === 0; late.throwIfAborted()) {
    before = made
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(made < 1_000, `${made} of 10,000 were made`)
  socket.destroy()
  await ended.promise
})

test('one at a time for each who asks; whoever goes away makes room for the next', async (t) => {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const http = await serve(t, async function* () {
    yield [{ n: 1 }]
    begun.resolve()
    await go.promise
    yield [{ n: 2 }]
  })
  const first = await get(http)
  await begun.promise
  const second = await get(http)
  assert.equal(second.status, 429)
  assert.equal(((await second.json()) as { code: string }).code, 'rate.limited')
  assert.ok(Number(second.headers.get('retry-after')) > 0)
  go.resolve()
  assert.equal((await first.text()).split('\n').length, 3)
  const third = await get(http)
  await third.body?.cancel()
  for (const late = AbortSignal.timeout(5_000); ; late.throwIfAborted()) {
    const next = await get(http)
    if (next.status === 200) return void (await next.text())
  }
})

test('what fails before the first line is a refusal; what fails later breaks the connection off', async (t) => {
  let after = 0
  const http = await serve(t, async function* () {
    if (after > 0) yield [{ n: 1 }]
    throw new Fault('auth.invalid', 'The session is over: log in')
  })
  assert.equal((await get(http)).status, 401)
  after = 1
  const reply = await get(http)
  assert.equal(reply.status, 200)
  await assert.rejects(reply.text())
})
