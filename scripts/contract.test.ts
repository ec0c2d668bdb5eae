import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openJudge } from './contract.ts'
import type { Exchange } from './exchange.ts'

const id = '0198f3c2-7a51-7c3e-9d0e-5f1b2a3c4d5e'
const user = { id, username: 'ann' }

function asked(more: object): Exchange {
  const whole = { via: 'http', method: 'GET', url: `/api/user/users/${id}`, route: '/users/:id', status: 200 }
  return {
    ...whole,
    contentType: 'application/json',
    reply: JSON.stringify(user),
    seenBy: 'a test',
    ...more,
  } as Exchange
}

function problemsOf(...exchanges: Exchange[]): string {
  const judge = openJudge()
  for (const exchange of exchanges) judge.hear(exchange)
  return judge.problems().join('\n')
}

test('what is as documented is no problem', () => {
  assert.equal(problemsOf(asked({})), '')
  assert.equal(
    problemsOf({ via: 'event', event: 'typing.start', data: { conversationId: id, userId: id }, seenBy: '' }),
    '',
  )
})

test('a route, a status, a field, a code or an event that no document names is found', () => {
  const refusal = {
    type: '',
    title: '',
    status: 404,
    code: 'cursor.expired',
    detail: '',
    requestId: '',
    retryable: false,
  }
  assert.match(problemsOf(asked({ url: '/api/user/secrets', route: '/secrets' })), /no document names/)
  assert.match(problemsOf(asked({ status: 202 })), /202 is no documented status/)
  assert.match(problemsOf(asked({ reply: JSON.stringify({ ...user, email: 'ann@example.org' }) })), /email/)
  assert.match(problemsOf(asked({ reply: JSON.stringify({ id }) })), /username/)
  const refused = { status: 404, contentType: 'application/problem+json', reply: JSON.stringify(refusal) }
  assert.match(problemsOf(asked(refused)), /allowed values/)
  assert.match(problemsOf({ via: 'event', event: 'secret.told', data: {}, seenBy: '' }), /no document names/)
  const untold = { conversationId: id, userId: id, text: 'draft' }
  assert.match(problemsOf({ via: 'event', event: 'typing.start', data: untold, seenBy: '' }), /text/)
  assert.match(
    problemsOf({ via: 'ack', event: 'typing.stop', data: {}, ack: { ok: true, data: {} }, seenBy: '' }),
    /conversationId/,
  )
})

test('what is documented and never seen to go well is missing', () => {
  const judge = openJudge()
  judge.hear(asked({}))
  const missing = judge.missing().join('\n')
  assert.doesNotMatch(missing, /GET \/api\/user\/users\/\{id\} is/)
  assert.match(missing, /POST \/api\/user\/login is documented/)
})
