import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { INTERNAL_KEY, openService } from './service.fixture.ts'

test('oneself is seen whole, others by id and name only', async (t) => {
  const service = await openService(t)
  const ben = await service.register('Ben')
  await service.register('ann')
  const { token, user } = await service.signIn('ann')
  const as = service.as(token)
  assert.deepEqual((await as('GET', '/api/user/me')).body, user)
  assert.deepEqual((await as('GET', `/api/user/users/${ben}`)).body, { id: ben, username: 'Ben' })
  assert.deepEqual((await as('GET', `/api/user/users/${ben.toUpperCase()}`)).body, { id: ben, username: 'Ben' })
  for (const name of ['Ben', 'BEN', 'ｂｅｎ'])
    assert.deepEqual((await as('GET', `/api/user/users?username=${encodeURIComponent(name)}`)).body, {
      items: [{ id: ben, username: 'Ben' }],
    })
  for (const name of ['be', 'bens', 'ben@example.org', '.*', '%', '_en'])
    assert.deepEqual(
      (await as('GET', `/api/user/users?username=${encodeURIComponent(name)}`)).body,
      { items: [] },
      name,
    )
  for (const query of ['', '?username=', '?username=a&username=b', '?username[$ne]=x', `?username=${'x'.repeat(129)}`])
    assert.equal((await as('GET', `/api/user/users${query}`)).status, 400, query)
  for (const id of [randomUUID(), 'x', '%00', '1;drop table users'])
    assert.equal((await as('GET', `/api/user/users/${encodeURIComponent(id)}`)).status, 404, id)
})

test('nobody is looked up, listed or changed without signing in', async (t) => {
  const service = await openService(t)
  const id = await service.register('ann')
  for (const [method, path] of [
    ['GET', '/api/user/me'],
    ['GET', '/api/user/me/sessions'],
    ['PATCH', `/api/user/me/sessions/${id}`],
    ['DELETE', `/api/user/me/sessions/${id}`],
    ['DELETE', '/api/user/me/sessions'],
    ['GET', '/api/user/users?username=ann'],
    ['GET', `/api/user/users/${id}`],
  ] as const) {
    for (const authorization of [undefined, 'Bearer x', `Bearer ${'x'.repeat(8_000)}`, 'Basic YW5uOmFubg==']) {
      const reply = await service.call(method, path, undefined, authorization ? { authorization } : {})
      assert.deepEqual([reply.status, reply.body.code], [401, 'auth.invalid'], `${method} ${path}`)
    }
    assert.equal(
      (await service.call(method, `${path}${path.includes('?') ? '&' : '?'}token=x&access_token=x`)).status,
      401,
    )
  }
})

test('names are looked up at a bounded rate', async (t) => {
  const service = await openService(t, { limits: { lookUpsPerUser: 2 } })
  await service.register('ann')
  const as = service.as((await service.signIn('ann')).token)
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await as('GET', '/api/user/users?username=ann')).status)
  assert.deepEqual(statuses, [200, 200, 429])
})

test('anyone can verify our tokens with the published keys, which hold nothing private', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const { body, headers } = await service.call('GET', '/.well-known/jwks.json')
  assert.match(headers.get('cache-control')!, /max-age=300/)
  const { keys } = body as unknown as Parameters<typeof createLocalJWKSet>[0]
  assert.deepEqual(Object.keys(keys[0]!).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys }), {
    algorithms: ['EdDSA'],
    typ: 'at+jwt',
  })
  assert.deepEqual(Object.keys(payload).sort(), ['aud', 'exp', 'iat', 'iss', 'name', 'sid', 'sub'])
  assert.equal(protectedHeader.kid, keys[0]!.kid)
})

test('other services ask on the internal port, with the key', async (t) => {
  const service = await openService(t)
  const ann = await service.register('ann')
  const { token, sessionId } = await service.signIn('ann')
  await service.as(token)('POST', '/api/user/logout')
  const key = INTERNAL_KEY.toString('base64url')
  const ask = async (path: string, authorization = `Bearer ${key}`): Promise<[number, unknown]> => {
    const reply = await fetch(service.internalUrl + path, { headers: { authorization } })
    return [reply.status, await reply.json()]
  }
  const ids = [ann, ...Array.from({ length: 300 }, () => randomUUID())].join(',')
  assert.deepEqual(await ask(`/internal/users?ids=${ids}`), [200, [{ id: ann, username: 'ann' }]])
  assert.deepEqual(await ask('/internal/users?ids='), [200, []])
  const [, log] = (await ask('/internal/control?after=0&limit=10')) as [
    number,
    { entries: { sessionId: string }[]; head: number },
  ]
  assert.deepEqual([log.entries.map((entry) => entry.sessionId), log.head], [[sessionId], 1])
  assert.deepEqual(await ask('/internal/control?after=1'), [200, { entries: [], head: 1 }])
  assert.equal((await ask('/.well-known/jwks.json'))[0], 200)
  for (const path of [
    '/internal/users',
    '/internal/users?ids=x',
    '/internal/control',
    '/internal/control?after=-1',
    '/internal/control?after=0&limit=x',
  ])
    assert.equal((await ask(path))[0], 400, path)
  for (const wrong of ['', 'Bearer', `Bearer ${key}x`, `Bearer ${key.slice(1)}`, `Bearer ${token}`])
    for (const path of ['/internal/users?ids=', '/internal/control?after=0', '/internal/nothing'])
      assert.equal((await ask(path, wrong))[0], 401, `${wrong} ${path}`)
  for (const path of ['/internal/users?ids=', '/internal/control?after=0'])
    assert.equal((await fetch(service.url + path, { headers: { authorization: `Bearer ${key}` } })).status, 404)
})

test('two people to try it with are added to an empty store, and only to that', async (t) => {
  const empty = await openService(t)
  const { created, users } = await empty.user.seedDemo()
  assert.equal(created, true)
  assert.deepEqual(
    users.map(({ username }) => username),
    ['ann', 'ben'],
  )
  for (const { email, password } of users)
    assert.equal((await empty.call('POST', '/api/user/login', { email, password })).status, 200)
  assert.deepEqual(await empty.user.seedDemo(), { created: false, users: [] })

  const used = await openService(t)
  await used.register('carla')
  assert.deepEqual(await used.user.seedDemo(), { created: false, users: [] })
  const halfway = await openService(t)
  await halfway.register('ben')
  assert.equal((await halfway.user.seedDemo()).created, true)
  assert.equal(await halfway.store.users.count(10), 2)
})

test('it is ready while its store commits', async (t) => {
  const service = await openService(t)
  const { body } = await service.call('GET', '/readyz')
  assert.deepEqual(body, { status: 'ready', parts: { 'user-store': 'up', bus: 'up' } })
})
