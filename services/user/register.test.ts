import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, PASSWORD } from './service.fixture.ts'

const input = { username: 'JohnDoe', email: 'John@Example.com', password: PASSWORD }

test('registering answers as the mission says, and shows no more than one may see', async (t) => {
  const { call } = await openService(t)
  const { status, body, headers } = await call('POST', '/api/user/register', {
    ...input,
    id: 'mine',
    role: 'admin',
    createdAt: '1970',
  })
  assert.equal(status, 201)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(Object.keys(body), ['message', 'user'])
  assert.equal(body.message, 'User registered successfully')
  const { id, createdAt, ...rest } = body.user as Record<string, string>
  assert.deepEqual(rest, { username: 'JohnDoe', email: 'John@Example.com' })
  assert.match(id!, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(createdAt!, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('a name or an address that is somebody’s, however it is written, is refused', async (t) => {
  const { call } = await openService(t)
  await call('POST', '/api/user/register', input)
  for (const username of ['JohnDoe', 'johndoe', 'ＪＯＨＮＤＯＥ']) {
    const { status, body } = await call('POST', '/api/user/register', {
      ...input,
      username,
      email: 'other@example.com',
    })
    assert.deepEqual([status, body.code], [409, 'name.taken'], username)
  }
  for (const email of ['john@example.com', 'JOHN@EXAMPLE.COM', ' john@example.com ']) {
    const { status, body } = await call('POST', '/api/user/register', { ...input, username: 'other', email })
    assert.deepEqual([status, body.code], [409, 'email.taken'], email)
  }
})

test('of many who register one name at once, exactly one gets it', async (t) => {
  const { call } = await openService(t)
  const replies = await Promise.all(
    Array.from({ length: 25 }, (_, i) =>
      call('POST', '/api/user/register', {
        ...input,
        username: i % 2 ? 'racer' : 'RACER',
        email: `racer${i}@example.com`,
      }),
    ),
  )
  assert.equal(replies.filter(({ status }) => status === 201).length, 1)
  assert.equal(replies.filter(({ body }) => body.code === 'name.taken').length, 24)
})

test('input that is wrong is refused by name, and nothing is stored', async (t) => {
  const { call, store } = await openService(t)
  const wrong: [unknown, string][] = [
    [{}, '/username'],
    [[], ''],
    ['null', ''],
    [{ ...input, username: { $ne: null } }, '/username'],
    [{ ...input, username: ['a', 'b', 'c'] }, '/username'],
    [{ ...input, username: 'ab' }, '/username'],
    [{ ...input, username: 'x'.repeat(33) }, '/username'],
    [{ ...input, username: 'john doe' }, '/username'],
    [{ ...input, email: 'nowhere' }, '/email'],
    [{ ...input, email: { $gt: '' } }, '/email'],
    [{ ...input, email: 'john@example.com\r\nBcc: all@example.com' }, '/email'],
    [{ ...input, email: `${'x'.repeat(250)}@example.com` }, '/email'],
    [{ ...input, password: 'short' }, '/password'],
    [{ ...input, password: 12345678 }, '/password'],
    [{ ...input, password: 'x'.repeat(1025) }, '/password'],
    [{ ...input, password: 'lone \ud800 surrogate' }, '/password'],
  ]
  for (const [body, pointer] of wrong) {
    const reply = await call('POST', '/api/user/register', body)
    assert.deepEqual([reply.status, reply.body.code], [400, 'validation.failed'], JSON.stringify(body))
    if (pointer) assert.equal((reply.body.errors as { pointer: string }[])[0]?.pointer, pointer)
  }
  assert.equal((await call('POST', '/api/user/register')).status, 400)
  assert.equal(
    (await call('POST', '/api/user/register', JSON.stringify({ ...input, more: 'x'.repeat(70_000) }))).status,
    413,
  )
  assert.equal(
    (await call('POST', '/api/user/register', `{"username":${'['.repeat(5000)}${']'.repeat(5000)}}`)).status,
    400,
  )
  assert.equal((await call('POST', '/api/user/register', '{"username":')).status, 400)
  assert.equal(await store.users.count(1), 0)
})

test('a lost reply can be asked for again with the same Idempotency-Key', async (t) => {
  const { call, store } = await openService(t)
  const key = { 'idempotency-key': 'b7c1c1b2-6b0e-4f0a-9a55-9f6b0f0c2d11' }
  const first = await call('POST', '/api/user/register', input, key)
  const repeats = await Promise.all([1, 2, 3].map(() => call('POST', '/api/user/register', input, key)))
  for (const repeat of repeats) assert.deepEqual([repeat.status, repeat.body], [201, first.body])
  for (const other of [{ username: 'Another' }, { password: 'another password' }]) {
    const reply = await call('POST', '/api/user/register', { ...input, ...other }, key)
    assert.deepEqual([reply.status, reply.body.code], [422, 'idempotency.mismatch'])
  }
  const stranger = await call(
    'POST',
    '/api/user/register',
    { ...input, username: 'Stranger', email: 's@example.com' },
    key,
  )
  assert.equal(stranger.status, 201, 'a key belongs to its address: a stranger’s is another')
  assert.equal((await call('POST', '/api/user/register', input)).status, 409, 'without the key it is no repeat')
  assert.equal((await call('POST', '/api/user/register', input, { 'idempotency-key': 'k'.repeat(201) })).status, 400)
  assert.equal(await store.users.count(10), 2)
})

test('who tries out what is taken is slowed down', async (t) => {
  const { call, register } = await openService(t, { limits: { takenPerAddress: 3 } })
  await register('ann')
  const taken = { username: 'ann', email: 'someone@example.com', password: PASSWORD }
  for (let i = 0; i < 3; i++) assert.equal((await call('POST', '/api/user/register', taken)).status, 409)
  const { status, body, headers } = await call('POST', '/api/user/register', taken)
  assert.deepEqual([status, body.code, body.retryable], [429, 'rate.limited', true])
  assert.ok(Number(headers.get('retry-after')) > 0)
  await register('ben')
})

test('registrations of one address are limited', async (t) => {
  const { call, register } = await openService(t, { limits: { registrationsPerAddress: 2 } })
  await register('ann')
  await register('ben')
  assert.equal((await call('POST', '/api/user/register', input)).status, 429)
})

test('who registered is announced on the bus, without e-mail address, until somebody has taken it', async (t) => {
  const { bus, register, heard, store } = await openService(t)
  const [event] = await heard('user.registered')
  let refusals = 2
  const { promise: taken, resolve } = Promise.withResolvers<void>()
  const subscription = await bus.subscribe('chat.users', async () => {
    if (refusals-- > 0) throw new Error('the consumer’s store is away')
    resolve()
  })
  t.after(() => subscription[Symbol.asyncDispose]())
  const id = await register('ann')
  await taken
  const { data, key, rev } = await event!
  assert.deepEqual({ data, key, rev }, { data: { id, username: 'ann' }, key: id, rev: 1 })
  for (let waited = 0; (await store.users.unannounced(1)).length > 0; waited++) {
    assert.ok(waited < 500, 'marked as announced')
    await new Promise((next) => setTimeout(next, 10))
  }
})
