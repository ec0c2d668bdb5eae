import assert from 'node:assert/strict'
import test from 'node:test'
import { ParleyError } from './error.ts'
import { openHttp } from './http.ts'
import { openRepeatKeys } from './repeat-key.ts'

const answering = (status: number, body: string) =>
  openHttp('http://localhost:1', async () => new Response(body || null, { status }))

const refusal = async (status: number, body: string) => {
  const error: unknown = await answering(status, body)({ method: 'GET', path: '/x' }).catch((thrown) => thrown)
  assert.ok(error instanceof ParleyError)
  return error.problem
}

test('a refusal of the server arrives as it was given', async () => {
  const problem = {
    type: 't',
    title: 't',
    status: 409,
    code: 'name.taken',
    detail: 'd',
    requestId: 'r',
    retryable: false,
  }
  assert.deepEqual(await refusal(409, JSON.stringify(problem)), problem)
})

test('what a proxy says while the server is away may be tried again', async () => {
  for (const body of ['<html>502 Bad Gateway</html>', '', '{"message":"no"}', '{"code":"made.up"}']) {
    const problem = await refusal(502, body)
    assert.deepEqual([problem.code, problem.retryable], ['unavailable', true])
  }
  assert.equal((await refusal(413, '<html>')).retryable, false)
  assert.equal((await refusal(429, '')).retryable, true)
})

test('a reply that was cut off, or never came, is one that is not known', async () => {
  assert.equal((await refusal(200, '{"items": [')).code, 'unavailable')
  const none = openHttp('http://localhost:1', () => Promise.reject(new TypeError('fetch failed')))
  await assert.rejects(none({ method: 'GET', path: '/x' }), ParleyError)
})

test('a request has its query, its body as JSON, and no body where there is none', async () => {
  const seen: { url: string; init: RequestInit }[] = []
  const http = openHttp('http://localhost:1', async (url, init) => {
    seen.push({ url: String(url), init: init! })
    return new Response(null, { status: 204 })
  })
  await http({ method: 'POST', path: '/a b', body: { n: 1 }, query: { q: 'ä&', none: undefined } })
  await http({ method: 'GET', path: '/x' })
  assert.equal(seen[0]?.url, 'http://localhost:1/a%20b?q=%C3%A4%26')
  assert.equal(seen[0]?.init.body, '{"n":1}')
  assert.equal(seen[1]?.init.body, undefined)
  assert.deepEqual(seen[1]?.init.headers, {})
})

test('asking for the same thing again after no answer came uses the same key; after an answer, another', async () => {
  const repeatable = openRepeatKeys()
  const keys: string[] = []
  const ask = (works: boolean) => async (key: string) => {
    keys.push(key)
    if (!works) throw new Error('no answer')
  }
  await assert.rejects(repeatable(['Tea', []], ask(false)))
  await repeatable(['Coffee', []], ask(true))
  await repeatable(['Tea', []], ask(true))
  await repeatable(['Tea', []], ask(true))
  assert.equal(keys[0], keys[2])
  assert.equal(new Set(keys).size, 3)
})
