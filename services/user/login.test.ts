import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, PASSWORD, workOf } from './service.fixture.ts'

const login = '/api/user/login'

test('logging in answers as the mission says, with the session and the placement', async (t) => {
  const { call, register, user } = await openService(t)
  const id = await register('ann')
  const { status, body, cookie } = await call('POST', login, {
    email: 'ANN@example.org',
    password: PASSWORD,
    tokens: 'body',
  })
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body).sort(), ['expiresAt', 'partition', 'refreshToken', 'sessionId', 'token', 'user'])
  assert.deepEqual(Object.keys(body.user as object), ['id', 'username', 'email', 'createdAt'])
  assert.equal(body.partition, Number.parseInt(id.slice(-2), 16))
  assert.equal(cookie, undefined)
  const actor = await user.verifier.verify(String(body.token))
  assert.deepEqual(actor, {
    userId: id,
    username: 'ann',
    sessionId: body.sessionId,
    expiresAt: Date.parse(String(body.expiresAt)),
  })
  assert.ok(actor.expiresAt - Date.now() <= 15 * 60_000)
})

test('a browser keeps the refresh token in a cookie that no script reads', async (t) => {
  const { call, register } = await openService(t)
  await register('ann')
  const { body, headers, cookie } = await call('POST', login, { email: 'ann@example.org', password: PASSWORD })
  assert.equal(body.refreshToken, undefined)
  assert.match(cookie!, /^[0-9a-f-]{36}\.[\w-]{64}$/)
  const attributes = headers.getSetCookie()[0]!.split('; ').slice(1)
  assert.deepEqual(attributes.filter((each) => !each.startsWith('Expires')).sort(), [
    'HttpOnly',
    'Max-Age=2592000',
    'Path=/api/user',
    'SameSite=Strict',
  ])
})

test('behind TLS the cookie is bound to the host and to https', async (t) => {
  const { call, register } = await openService(t, { trustProxies: 1 })
  await register('ann')
  const https = { 'x-forwarded-proto': 'https' }
  const { headers, cookie } = await call('POST', login, { email: 'ann@example.org', password: PASSWORD }, https)
  assert.match(headers.getSetCookie()[0]!, /^__Host-parley=.*; Path=\/;.*HttpOnly; Secure; SameSite=Strict/)
  const refreshed = await call('POST', '/api/user/refresh', undefined, {
    ...https,
    cookie: `a=b; __Host-parley=${cookie}`,
  })
  assert.equal(refreshed.status, 200)
  const overHttp = await call('POST', '/api/user/refresh', undefined, { cookie: `__Host-parley=${refreshed.cookie}` })
  assert.equal(overHttp.status, 401)
})

test('without a proxy nobody is believed to be on https', async (t) => {
  const { call, register } = await openService(t)
  await register('ann')
  const reply = await call(
    'POST',
    login,
    { email: 'ann@example.org', password: PASSWORD },
    { 'x-forwarded-proto': 'https' },
  )
  assert.match(reply.headers.getSetCookie()[0]!, /^parley_refresh=/)
})

test('an unknown account and a wrong password are one answer, after the same work', async (t) => {
  const { call, register } = await openService(t, { bcryptCost: 8 })
  await register('ann')
  const attempt = async (email: string): Promise<unknown> => {
    const { status, body } = await call('POST', login, { email, password: 'wrong password' })
    const { requestId: _, ...told } = body
    return { status, ...told }
  }
  const told = await attempt('ann@example.org')
  assert.equal((told as { code: string }).code, 'auth.invalid')
  for (const email of ['nobody@example.org', 'no address', 'x'.repeat(254), '\u0000'])
    assert.deepEqual(await attempt(email), told)
  const [known, unknown] = await workOf(
    () => attempt('ann@example.org'),
    () => attempt('nobody@example.org'),
  )
  assert.ok(known / unknown > 0.7 && known / unknown < 1.4, `${known} ms and ${unknown} ms`)
})

test('input of the wrong type is refused and never reaches the store', async (t) => {
  const { call, register } = await openService(t)
  await register('ann')
  for (const value of [{ $ne: null }, { $gt: '' }, { $regex: '^a' }, ['ann@example.org'], null, 7, true, '']) {
    for (const body of [
      { email: value, password: PASSWORD },
      { email: 'ann@example.org', password: value },
    ])
      assert.equal((await call('POST', login, body)).status, 400, JSON.stringify(body))
  }
  const good = { email: 'ann@example.org', password: PASSWORD }
  assert.equal((await call('POST', login, { ...good, tokens: 'both' })).status, 400)
  assert.equal((await call('POST', login, { ...good, device: { a: 1 } })).status, 400)
  assert.equal((await call('POST', login, { ...good, device: 'x'.repeat(101) })).status, 400)
  assert.equal((await call('POST', login, JSON.stringify(good), { 'content-type': 'text/plain' })).status, 415)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  assert.equal((await call('POST', login, `email=ann@example.org&password=${PASSWORD}`, form)).status, 415)
  assert.equal((await call('GET', login)).status, 404)
  assert.equal(
    (await call('POST', login, '{"email":"ann@example.org","password":"x","__proto__":{"a":1}}')).status,
    401,
  )
})

test('passwords that share their first 72 bytes do not open each other’s accounts', async (t) => {
  const { call, register } = await openService(t)
  const shared = 'x'.repeat(72)
  await register('ann', `${shared}a`)
  const attempt = async (password: string): Promise<number> =>
    (await call('POST', login, { email: 'ann@example.org', password })).status
  assert.equal(await attempt(`${shared}a`), 200)
  for (const wrong of [`${shared}b`, shared, `${shared}a `, ` ${shared}a`, `${shared}A`])
    assert.equal(await attempt(wrong), 401)
})

test('guessing is refused after a while, known account or not, and says when to come again', async (t) => {
  const { call, register } = await openService(t, { limits: { signInFailuresPerAccountAndAddress: 3 } })
  await register('ann')
  for (const email of ['ann@example.org', 'nobody@example.org']) {
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await call('POST', login, { email, password: 'wrong password' })).status)
    assert.deepEqual(statuses, [401, 401, 401, 429])
  }
  const refused = await call('POST', login, { email: 'ANN@example.org', password: PASSWORD })
  assert.equal(refused.status, 429, 'the right password is not told either')
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
})

test('an address cannot be made up in a header to get around the limits', async (t) => {
  const { call } = await openService(t, { limits: { signInFailuresPerAddress: 3 } })
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) {
    const headers = { 'x-forwarded-for': `203.0.113.${i}` }
    statuses.push(
      (await call('POST', login, { email: `u${i}@example.org`, password: 'wrong password' }, headers)).status,
    )
  }
  assert.deepEqual(statuses, [401, 401, 401, 429])
})

test('a foreign page can neither log in nor register here', async (t) => {
  const { call, register } = await openService(t, { origins: ['https://chat.example.org'] })
  await register('ann')
  const body = { email: 'ann@example.org', password: PASSWORD }
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
    const reply = await call('POST', login, body, { origin })
    assert.deepEqual([reply.status, reply.body.code], [403, 'origin.refused'])
    assert.equal(reply.cookie, undefined)
    assert.equal((await call('POST', '/api/user/register', body, { origin })).status, 403)
  }
  assert.equal((await call('POST', login, body, { origin: 'https://chat.example.org' })).status, 200)
})

test('a log-in is named by the client, or after its browser', async (t) => {
  const { call, register, as } = await openService(t)
  await register('ann')
  const body = { email: 'ann@example.org', password: PASSWORD }
  const firefox = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
  await call('POST', login, body, firefox)
  const { body: named } = await call('POST', login, { ...body, device: ' Kitchen tablet ' }, firefox)
  const { body: list } = await as(String(named.token))('GET', '/api/user/me/sessions')
  const names = (list.items as { name: string }[]).map(({ name }) => name)
  assert.deepEqual(names.sort(), ['Firefox on Linux', 'Kitchen tablet'])
})
