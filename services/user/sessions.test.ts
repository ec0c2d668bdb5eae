import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { openService, PASSWORD } from './service.fixture.ts'

interface Item {
  id: string
  name: string
  current: boolean
}
const path = '/api/user/me/sessions'

test('one sees one’s own sessions, latest use first, and which is this one', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  await service.register('ben')
  await service.signIn('ben')
  const laptop = await service.signIn('ann', { device: 'laptop' })
  service.clock.now += 1_000
  const phone = await service.signIn('ann', { device: 'phone' })
  service.clock.now += 1_000
  const { body } = await service.as(laptop.token)('GET', path)
  const items = body.items as unknown as Item[]
  assert.deepEqual(Object.keys(items[0]!), ['id', 'name', 'createdAt', 'lastUsedAt', 'place', 'current'])
  assert.deepEqual(
    items.map(({ id, name, current }) => ({ id, name, current })),
    [
      { id: phone.sessionId, name: 'phone', current: false },
      { id: laptop.sessionId, name: 'laptop', current: true },
    ],
  )
  await service.refresh(laptop.refreshToken)
  const after = (await service.as(phone.token)('GET', path)).body.items as unknown as Item[]
  assert.deepEqual(
    after.map(({ name }) => name),
    ['laptop', 'phone'],
  )
})

test('a session tells where it was last used, by the network that the proxy saw and not by the address', async (t) => {
  const service = await openService(t, { trustProxies: 1 })
  await service.register('ann')
  const at = (address: string) => ({ 'x-forwarded-for': `198.51.100.1, ${address}` })
  const input = { email: 'ann@example.org', password: PASSWORD, tokens: 'body' }
  const { body } = await service.call('POST', '/api/user/login', input, at('203.0.113.77'))
  const place = async () => {
    const { items } = (await service.as(String(body.token))('GET', path)).body as { items: { place: string }[] }
    return items[0]!.place
  }
  assert.equal(await place(), '203.0.113.0/24')
  const { refreshToken } = body
  const renewed = await service.call('POST', '/api/user/refresh', { refreshToken }, at('2001:db8:1:2:3:4:5:6'))
  assert.equal(renewed.status, 200)
  assert.equal(await place(), '2001:db8:1::/48')
})

test('a session is named, and only one’s own', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  await service.register('ben')
  const [ann, ben] = [await service.signIn('ann'), await service.signIn('ben')]
  const as = service.as(ann.token)
  const named = await as('PATCH', `${path}/${ann.sessionId}`, { name: ' Work ' })
  assert.deepEqual([named.status, named.body.name, named.body.current], [200, 'Work', true])
  for (const id of [ben.sessionId, randomUUID(), 'x', '%00', '..']) {
    const reply = await as('PATCH', `${path}/${id}`, { name: 'mine' })
    assert.equal(reply.status, 404, id)
  }
  for (const name of ['', '  ', 'x'.repeat(101), 7, null, { $set: 1 }])
    assert.equal((await as('PATCH', `${path}/${ann.sessionId}`, { name })).status, 400, JSON.stringify(name))
})

test('a revoked session is over at once, for its access token too, and nobody else’s can be revoked', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  await service.register('ben')
  const [here, there, ben] = [await service.signIn('ann'), await service.signIn('ann'), await service.signIn('ben')]
  const as = service.as(here.token)
  for (const id of [ben.sessionId, randomUUID()]) assert.equal((await as('DELETE', `${path}/${id}`)).status, 404)
  assert.equal((await as('DELETE', `${path}/${there.sessionId}`)).status, 204)
  assert.equal((await as('DELETE', `${path}/${there.sessionId}`)).status, 404)
  const over = await service.as(there.token)('GET', '/api/user/me')
  assert.deepEqual([over.status, over.body.code], [401, 'auth.invalid'])
  assert.equal((await service.refresh(there.refreshToken)).status, 401)
  assert.equal((await service.as(ben.token)('GET', '/api/user/me')).status, 200)
  const { entries } = await service.user.directory.control(0, 10)
  assert.deepEqual(
    entries.map((e) => e.kind === 'session.revoked' && [e.sessionId, e.reason]),
    [[there.sessionId, 'revoked']],
  )
})

test('all others are revoked at once, and this one goes on', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const all = [await service.signIn('ann'), await service.signIn('ann'), await service.signIn('ann')]
  const here = all[1]!
  assert.equal((await service.as(here.token)('DELETE', path)).status, 204)
  const statuses = await Promise.all(
    all.map(async ({ token }) => (await service.as(token)('GET', '/api/user/me')).status),
  )
  assert.deepEqual(statuses, [401, 200, 401])
  assert.equal((await service.user.directory.control(0, 10)).head, 2)
})

test('logging out ends the session, and takes the cookie of that session only', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const body = { email: 'ann@example.org', password: PASSWORD }
  const first = await service.call('POST', '/api/user/login', body)
  const second = await service.call('POST', '/api/user/login', body)
  const logout = (token: unknown, cookie: unknown) =>
    service.call(
      'POST',
      '/api/user/logout',
      {},
      { authorization: `Bearer ${token}`, cookie: `parley_refresh=${cookie}` },
    )
  const out = await logout(first.body.token, second.cookie)
  assert.equal(out.status, 204)
  assert.deepEqual(out.headers.getSetCookie(), [], 'the cookie was another log-in’s by now')
  assert.equal((await service.as(String(first.body.token))('GET', '/api/user/me')).status, 401)
  const next = await logout(second.body.token, second.cookie)
  assert.match(next.headers.getSetCookie()[0]!, /^parley_refresh=;.*Path=\/api\/user;.*Expires=Thu, 01 Jan 1970/)
  assert.equal((await logout(second.body.token, second.cookie)).status, 204, 'once more does no harm')
  const { entries } = await service.user.directory.control(0, 10)
  assert.deepEqual(
    entries.map((e) => e.kind === 'session.revoked' && e.reason),
    ['logout', 'logout'],
  )
})

test('one can log out though the access token has ended, but not without any token', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { token, refreshToken } = await service.signIn('ann')
  assert.equal((await service.call('POST', '/api/user/logout')).status, 401)
  assert.equal((await service.call('POST', '/api/user/logout', { refreshToken: 'x' })).status, 401)
  service.clock.now += 16 * 60_000
  const headers = { authorization: `Bearer ${token}` }
  assert.equal((await service.call('POST', '/api/user/logout', {}, headers)).status, 401)
  assert.equal((await service.call('POST', '/api/user/logout', { refreshToken }, headers)).status, 204)
  assert.equal((await service.refresh(refreshToken)).status, 401)
})

test('with too many sessions the least recently used is revoked', async (t) => {
  const service = await openService(t, { limits: { devicesPerUser: 3 } })
  await service.register('ann')
  const all = []
  for (let i = 0; i < 3; i++) {
    all.push(await service.signIn('ann', { device: `${i}` }))
    service.clock.now += 1_000
  }
  await service.refresh(all[0]!.refreshToken)
  service.clock.now += 1_000
  const last = await service.signIn('ann', { device: '3' })
  const items = (await service.as(last.token)('GET', path)).body.items as unknown as Item[]
  assert.deepEqual(items.map(({ name }) => name).sort(), ['0', '2', '3'])
  assert.equal((await service.refresh(all[1]!.refreshToken)).status, 401)
  await Promise.all(Array.from({ length: 6 }, () => service.signIn('ann')))
  const { length } = (await service.store.sessions.list(last.user.id)) as unknown[]
  assert.ok(length <= 3, `${length} sessions`)
})
