import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, PASSWORD } from './service.fixture.ts'

const path = '/api/user/password'
const NEW = 'another secret 9'

test('who changes the password stays signed in here, and is signed out everywhere else at once', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  await service.register('ben')
  const [here, there, ben] = [await service.signIn('ann'), await service.signIn('ann'), await service.signIn('ben')]
  const [heard] = await service.heard('control.appended')
  const changed = await service.as(here.token)('POST', path, { oldPassword: PASSWORD, newPassword: NEW })
  assert.equal(changed.status, 204)
  assert.equal((await heard)?.data.n, 1)
  assert.equal((await service.as(here.token)('GET', '/api/user/me')).status, 200)
  assert.equal((await service.refresh(here.refreshToken)).status, 200)
  assert.equal((await service.as(there.token)('GET', '/api/user/me')).status, 401)
  assert.equal((await service.refresh(there.refreshToken)).status, 401)
  assert.equal((await service.as(ben.token)('GET', '/api/user/me')).status, 200)
  const { entries } = await service.user.directory.control(0, 10)
  assert.deepEqual(
    entries.map((e) => e.kind === 'session.revoked' && [e.sessionId, e.reason]),
    [[there.sessionId, 'password']],
  )
  const attempt = async (password: string): Promise<number> =>
    (await service.call('POST', '/api/user/login', { email: 'ann@example.org', password })).status
  assert.deepEqual([await attempt(PASSWORD), await attempt(NEW)], [401, 200])
})

test('a wrong old password changes nothing, ends nothing, and is told as such', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const [here, there] = [await service.signIn('ann'), await service.signIn('ann')]
  const refused = await service.as(here.token)('POST', path, { oldPassword: NEW, newPassword: NEW })
  assert.deepEqual([refused.status, refused.body.code], [400, 'validation.failed'])
  assert.deepEqual(refused.body.errors, [{ pointer: '/oldPassword', detail: 'is not your password' }])
  assert.equal((await service.as(there.token)('GET', '/api/user/me')).status, 200)
  await service.signIn('ann')
})

test('a stolen session cannot guess at the password any longer than log-in lets it', async (t) => {
  const service = await openService(t, { limits: { signInFailuresPerAccountAndAddress: 3 } })
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const statuses: number[] = []
  for (let i = 0; i < 4; i++)
    statuses.push((await service.as(token)('POST', path, { oldPassword: `guess ${i}`, newPassword: NEW })).status)
  assert.deepEqual(statuses, [400, 400, 400, 429])
  const right = await service.as(token)('POST', path, { oldPassword: PASSWORD, newPassword: NEW })
  assert.equal(right.status, 429)
  assert.ok(Number(right.headers.get('retry-after')) > 0)
})

test('of two who change the password at once, one does, and the other is told that it is no longer right', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const wanted = ['first secret', 'second secret']
  const replies = await Promise.all(
    wanted.map((newPassword) => service.as(token)('POST', path, { oldPassword: PASSWORD, newPassword })),
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 400])
  const winner = wanted[replies.findIndex(({ status }) => status === 204)]
  assert.equal(
    (await service.call('POST', '/api/user/login', { email: 'ann@example.org', password: winner })).status,
    200,
  )
})

test('a log-in with the old password that is under way while it is changed leaves no session behind', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { token, sessionId } = await service.signIn('ann')
  const login = { email: 'ann@example.org', password: PASSWORD, tokens: 'body' }
  const racing = Array.from({ length: 8 }, () => service.call('POST', '/api/user/login', login))
  const changed = await service.as(token)('POST', path, { oldPassword: PASSWORD, newPassword: NEW })
  assert.equal(changed.status, 204)
  await Promise.all(racing)
  const { body } = await service.as(token)('GET', '/api/user/me/sessions')
  assert.deepEqual(
    (body.items as { id: string }[]).map(({ id }) => id),
    [sessionId],
  )
})

test('nobody changes a password without signing in, from a foreign page, or with malformed input', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const good = { oldPassword: PASSWORD, newPassword: NEW }
  assert.equal((await service.call('POST', path, good)).status, 401)
  const foreign = { origin: 'https://evil.example', authorization: `Bearer ${token}` }
  assert.equal((await service.call('POST', path, good, foreign)).status, 403)
  for (const value of [undefined, null, 7, '', { $ne: null }, ['x'], 'x'.repeat(5_000), '\ud800']) {
    for (const body of [
      { ...good, oldPassword: value },
      { ...good, newPassword: value },
    ])
      assert.equal((await service.as(token)('POST', path, body)).status, 400, JSON.stringify(body))
  }
  assert.equal((await service.as(token)('POST', path, { ...good, newPassword: 'short' })).status, 400)
  await service.signIn('ann')
})
