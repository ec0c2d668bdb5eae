import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CLIENT_EVENTS, SERVER_EVENTS } from '@parley/protocol/channels'
import { OPERATIONS } from '@parley/protocol/operations'
import { listen } from './http.ts'
import { openLog } from './log.ts'
import { serveReference } from './reference.ts'

async function open(t: TestContext): Promise<(path: string) => Promise<{ reply: Response; text: string }>> {
  const http = await listen({ host: '127.0.0.1', port: 0, log: openLog('test', 'silent') })
  t.after(() => http[Symbol.asyncDispose]())
  serveReference(http.routes)
  return async (path) => {
    const reply = await fetch(`http://127.0.0.1:${http.port}${path}`, { signal: AbortSignal.timeout(5_000) })
    return { reply, text: await reply.text() }
  }
}

test('both documents are there, and refer to nothing that they do not have', async (t) => {
  const get = await open(t)
  for (const [path, version] of [
    ['/openapi.json', { openapi: '3.1.1' }],
    ['/asyncapi.json', { asyncapi: '3.0.0' }],
  ] as const) {
    const { reply, text } = await get(path)
    assert.match(reply.headers.get('content-type')!, /^application\/json/)
    const document = JSON.parse(text)
    assert.partialDeepStrictEqual(document, version)
    for (const [, pointer] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer!.split('/').reduce((part, name) => part?.[name], document)
      assert.ok(found, `${path} has ${pointer}`)
    }
  }
})

test('the page shows every operation and every event, and each of its links leads somewhere', async (t) => {
  const get = await open(t)
  const { reply, text } = await get('/docs')
  assert.match(reply.headers.get('content-type')!, /^text\/html/)
  const anchors = new Set([...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id))
  for (const { name } of OPERATIONS) assert.ok(anchors.has(name), name)
  for (const name of Object.keys(CLIENT_EVENTS)) assert.ok(anchors.has(`says-${name}`), name)
  for (const name of Object.keys(SERVER_EVENTS)) assert.ok(anchors.has(`tells-${name}`), name)
  for (const [, anchor] of text.matchAll(/href="#([^"]+)"/g)) assert.ok(anchors.has(anchor), `#${anchor}`)
})

test('the page needs no script and nothing from elsewhere', async (t) => {
  const get = await open(t)
  const { text } = await get('/docs')
  assert.doesNotMatch(text, /<script|<img|<iframe|style=|https?:\/\/(?!localhost)/)
  const links = [...text.matchAll(/(?:href|src)="([^#"][^"]*)"/g)].map(([, address]) => address!)
  assert.deepEqual(new Set(links), new Set(['/docs/reference.css', '/openapi.json', '/asyncapi.json']))
  const style = await get('/docs/reference.css')
  assert.match(style.reply.headers.get('content-type')!, /^text\/css/)
  assert.doesNotMatch(style.text, /url\(|@import/)
})
