import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@parley/protocol/fault'
import type { LoginReply, RegisterReply } from '@parley/protocol/user'
import { ask } from '../http.ts'
import { freshName, newPerson, PASSWORD } from '../person.ts'
import type { System } from './system.ts'

export function accounts({ url }: System): void {
  const register = <T>(body: object) => ask<T>(`${url()}/api/user/register`, 'POST', { body })
  const logIn = <T>(body: object) => ask<T>(`${url()}/api/user/login`, 'POST', { body })

  test('registering answers 201 with the message and the user, and nothing else', async () => {
    const username = freshName('JohnDoe')
    const email = `${username}@example.com`
    const { status, body } = await register<RegisterReply>({ username, email, password: PASSWORD })
    assert.equal(status, 201)
    const { id, createdAt } = body.user
    assert.deepEqual(body, {
      message: 'User registered successfully',
      user: { id, username, email, createdAt },
    })
    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    assert.equal(new Date(createdAt).toISOString(), createdAt)
  })

  test('logging in answers 200 with a token and the user, and keeps the refresh token in a cookie no script can read', async () => {
    const { id, name, email } = await newPerson(url(), 'john')
    const { status, body, headers } = await logIn<LoginReply>({ email, password: PASSWORD })
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body).sort(), ['expiresAt', 'partition', 'sessionId', 'token', 'user'])
    assert.equal(body.token.split('.').length, 3)
    assert.deepEqual({ ...body.user, createdAt: '' }, { id, username: name, email, createdAt: '' })
    assert.match(headers.get('set-cookie') ?? '', /HttpOnly/i)
    const me = await ask(`${url()}/api/user/me`, 'GET', { token: body.token })
    assert.deepEqual([me.status, me.body], [200, body.user])
  })

  test('a wrong password and an unknown account are refused alike', async () => {
    const { email } = await newPerson(url(), 'john')
    const wrong = await logIn<Problem>({ email, password: 'not the password' })
    const unknown = await logIn<Problem>({ email: `nobody-${email}`, password: PASSWORD })
    assert.equal(wrong.status, 401)
    assert.deepEqual({ ...wrong.body, requestId: '' }, { ...unknown.body, requestId: '' })
  })

  test('a name or an address is taken once, however many register at once and however it is written', async () => {
    const username = freshName('twin')
    const email = `${username}@example.com`
    const replies = await Promise.all(
      [username, username.toUpperCase(), username].map((name, i) =>
        register<Problem>({ username: name, email: `${i}-${email}`, password: PASSWORD }),
      ),
    )
    assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409, 409])
    assert.ok(replies.every(({ status, body }) => status === 201 || body.code === 'name.taken'))
    const same = await Promise.all(
      [email, email.toUpperCase()].map((address, i) =>
        register<Problem>({ username: `${username}-${i}`, email: address, password: PASSWORD }),
      ),
    )
    assert.deepEqual(same.map(({ status }) => status).sort(), [201, 409])
    assert.ok(same.every(({ status, body }) => status === 201 || body.code === 'email.taken'))
  })

  test('every refusal is a problem of RFC 9457 with a code and the id of the request', async () => {
    const { token } = await newPerson(url(), 'john')
    const refusals = [
      { path: '/api/user/login', method: 'POST', request: { body: {} }, status: 400, code: 'validation.failed' },
      { path: '/api/user/me', method: 'GET', request: {}, status: 401, code: 'auth.invalid' },
      { path: '/api/messages/send', method: 'POST', request: { body: {} }, status: 401, code: 'auth.invalid' },
      {
        path: '/api/messages/send',
        method: 'POST',
        request: { token, body: {} },
        status: 400,
        code: 'validation.failed',
      },
      { path: '/api/nothing', method: 'GET', request: { token }, status: 404, code: 'not_found' },
      { path: '/api/user/nothing', method: 'GET', request: { token }, status: 404, code: 'not_found' },
    ]
    for (const { path, method, request, status, code } of refusals) {
      const reply = await ask<Problem>(url() + path, method, request)
      const { body } = reply
      assert.equal(reply.status, status, `${method} ${path}`)
      assert.equal(reply.headers.get('content-type')?.split(';')[0], 'application/problem+json')
      assert.deepEqual(
        [body.type, body.status, body.code, body.retryable],
        [`urn:parley:problem:${code}`, status, code, false],
      )
      assert.ok(body.title && body.detail)
      assert.equal(body.requestId, reply.headers.get('x-request-id'))
    }
  })
}
