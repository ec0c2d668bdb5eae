import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, PASSWORD, type Reply, type Service } from './service.fixture.ts'

const DAY = 86_400_000

async function signedIn(service: Service) {
  await service.register('ann')
  return service.signIn('ann')
}

const tokenOf = (reply: Reply): string => {
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  return String(reply.body.refreshToken)
}
const refused = (reply: Reply): void => assert.deepEqual([reply.status, reply.body.code], [401, 'auth.invalid'])

test('refreshing gives a new access token and a new refresh token, again and again', async (t) => {
  const service = await openService(t)
  const first = await signedIn(service)
  const seen = new Set([first.refreshToken])
  let token = first.refreshToken
  for (let i = 0; i < 5; i++) {
    service.clock.now += 600_000
    const reply = await service.refresh(token)
    token = tokenOf(reply)
    assert.equal(seen.has(token), false)
    seen.add(token)
    assert.deepEqual(
      [reply.body.sessionId, reply.body.user, reply.body.partition],
      [first.sessionId, first.user, first.partition],
    )
    assert.equal((await service.as(String(reply.body.token))('GET', '/api/user/me')).status, 200)
  }
})

test('a reply that was lost can be asked for again, and is the same', async (t) => {
  const service = await openService(t)
  const { refreshToken } = await signedIn(service)
  const next = tokenOf(await service.refresh(refreshToken))
  for (let i = 0; i < 3; i++) assert.equal(tokenOf(await service.refresh(refreshToken)), next)
  tokenOf(await service.refresh(next))
})

test('two tabs that refresh at once both go on, with the same token', async (t) => {
  const service = await openService(t)
  let { refreshToken } = await signedIn(service)
  for (let round = 0; round < 5; round++) {
    const replies = await Promise.all(Array.from({ length: 8 }, () => service.refresh(refreshToken)))
    const tokens = new Set(replies.map(tokenOf))
    assert.equal(tokens.size, 1)
    refreshToken = [...tokens][0]!
  }
})

test('a token older than the one before is a copy: it ends the session, also for who holds the newest', async (t) => {
  const service = await openService(t)
  const first = await signedIn(service)
  const second = tokenOf(await service.refresh(first.refreshToken))
  const third = await service.refresh(second)
  const other = await service.signIn('ann')
  const [told] = await service.heard('control.appended')
  refused(await service.refresh(first.refreshToken))
  refused(await service.refresh(tokenOf(third)))
  refused(await service.refresh(second))
  refused(await service.as(String(third.body.token))('GET', '/api/user/me'))
  assert.equal((await service.as(other.token)('GET', '/api/user/me')).status, 200, 'other sessions go on')

  const { entries, head } = await service.user.directory.control(0, 10)
  const [{ at: _, ...entry }, ...more] = entries as [(typeof entries)[0]]
  assert.deepEqual(entry, {
    n: 1,
    kind: 'session.revoked',
    userId: first.user.id,
    sessionId: first.sessionId,
    reason: 'reused',
  })
  assert.deepEqual([more, head], [[], 1])
  assert.equal((await told!).data.n, 1)
})

test('what is no refresh token of ours is refused, and ends no session', async (t) => {
  const service = await openService(t)
  const own = await signedIn(service)
  const [id, secret] = own.refreshToken.split('.') as [string, string]
  await service.register('ben')
  const ben = await service.signIn('ben')
  for (const token of [
    'x',
    own.token,
    `${id}.${'A'.repeat(64)}`,
    `${id}.${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`,
    `${ben.sessionId}.${secret}`,
    `${id}.`,
    id,
    `${id}.${secret}.${secret}`,
    own.refreshToken.toUpperCase(),
  ])
    refused(await service.refresh(token))
  for (const body of [
    { refreshToken: 7 },
    { refreshToken: { $ne: null } },
    { refreshToken: 'x'.repeat(513) },
    { refreshToken: '' },
  ])
    assert.equal((await service.call('POST', '/api/user/refresh', body)).status, 400, JSON.stringify(body))
  refused(await service.call('POST', '/api/user/refresh'))
  refused(await service.as(own.refreshToken)('GET', '/api/user/me'))
  tokenOf(await service.refresh(own.refreshToken))
  assert.equal((await service.user.directory.control(0, 10)).head, 0)
})

test('only hashes of refresh tokens are kept', async (t) => {
  const service = await openService(t)
  const { refreshToken, sessionId } = await signedIn(service)
  const next = tokenOf(await service.refresh(refreshToken))
  const kept = JSON.stringify(await service.store.sessions.find(sessionId))
  for (const token of [refreshToken, next]) assert.equal(kept.includes(token.split('.')[1]!.slice(0, 20)), false)
  refused(await service.refresh(`${sessionId}.${JSON.parse(kept).current}`))
})

test('a browser refreshes by its cookie, and is given the next one; a lost one again', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const login = await service.call('POST', '/api/user/login', { email: 'ann@example.org', password: PASSWORD })
  const withCookie = (cookie: string, more: Record<string, string> = {}): Promise<Reply> =>
    service.call('POST', '/api/user/refresh', undefined, { cookie: `x=y; parley_refresh=${cookie}`, ...more })
  const next = await withCookie(login.cookie!)
  assert.equal(next.status, 200)
  assert.equal(next.body.refreshToken, undefined)
  assert.notEqual(next.cookie, login.cookie)
  assert.match(next.headers.getSetCookie()[0]!, /Max-Age=2592000/)
  assert.equal((await withCookie(login.cookie!)).cookie, next.cookie, 'a grace answer sets the cookie too')
  const bad = await withCookie('garbage')
  refused(bad)
  assert.deepEqual(bad.headers.getSetCookie(), [], 'a refusal leaves the cookie: another tab may have a newer one')
  assert.equal((await withCookie(next.cookie!, { origin: service.url })).status, 200)
})

test('a foreign page cannot use the cookie, whatever it sends', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { cookie } = await service.call('POST', '/api/user/login', { email: 'ann@example.org', password: PASSWORD })
  for (const path of ['/api/user/refresh', '/api/user/logout']) {
    for (const [name, value] of [
      ['accept', '*/*'],
      ['content-type', 'text/plain'],
      ['x-http-method-override', 'GET'],
    ] as const) {
      const headers: Record<string, string> = {
        cookie: `parley_refresh=${cookie}`,
        origin: 'https://evil.example',
        [name]: value,
      }
      const reply = await service.call('POST', path, '{}', headers)
      assert.ok(reply.status === 403 || reply.status === 415, `${path} ${reply.status}`)
      assert.equal(reply.body.token, undefined)
    }
    assert.equal((await service.call('GET', path, undefined, { cookie: `parley_refresh=${cookie}` })).status, 404)
  }
  const still = await service.call('POST', '/api/user/refresh', undefined, { cookie: `parley_refresh=${cookie}` })
  assert.equal(still.status, 200)
})

test('a session lasts while it is used, and ends when it is not', async (t) => {
  const service = await openService(t, { limits: { sessionDays: 30 } })
  let { refreshToken } = await signedIn(service)
  for (let i = 0; i < 3; i++) {
    service.clock.now += 29 * DAY
    refreshToken = tokenOf(await service.refresh(refreshToken))
  }
  service.clock.now += 30 * DAY + 1
  refused(await service.refresh(refreshToken))
  const again = await service.signIn('ann')
  const { body } = await service.as(again.token)('GET', '/api/user/me/sessions')
  assert.equal((body.items as unknown[]).length, 1)
})

test('an access token ends, and a new one is had by refreshing', async (t) => {
  const service = await openService(t)
  const { token, refreshToken } = await signedIn(service)
  service.clock.now += 16 * 60_000
  const ended = await service.as(token)('GET', '/api/user/me')
  assert.deepEqual([ended.status, ended.body.code, ended.body.retryable], [401, 'auth.expired', true])
  const next = await service.refresh(refreshToken)
  assert.equal((await service.as(String(next.body.token))('GET', '/api/user/me')).status, 200)
})
