import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, PASSWORD, type Service } from './service.fixture.ts'

/** What the bus is told next of what happened to accounts. */
async function next(service: Service, act: () => Promise<unknown>) {
  const [heard] = await service.heard('security.noted')
  await act()
  return (await heard!).data
}

test('the owner of an account hears of each log-in but the one that follows the registration', async (t) => {
  const service = await openService(t, { trustProxies: 1 })
  const userId = await service.register('ann')
  await service.signIn('ann', { device: 'laptop' })
  assert.deepEqual(await service.store.security.untold(10), [])
  const input = { email: 'ann@example.org', password: PASSWORD, tokens: 'body', device: 'phone' }
  const { at, ...event } = await next(service, () =>
    service.call('POST', '/api/user/login', input, { 'x-forwarded-for': '203.0.113.77' }),
  )
  const { items } = (await service.as((await service.signIn('ann')).token)('GET', '/api/user/me/sessions')).body as {
    items: { id: string; name: string }[]
  }
  const { id: sessionId } = items.find(({ name }) => name === 'phone')!
  assert.deepEqual(event, {
    userId,
    username: 'ann',
    email: 'ann@example.org',
    kind: 'session.started',
    sessionId,
    device: 'phone',
    place: '203.0.113.0/24',
  })
  assert.ok(Math.abs(Date.parse(at) - service.clock.now) < 60_000)
})

test('who logs in later than registering is told of it, though no other device is there', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  service.clock.now += 11 * 60_000
  const event = await next(service, () => service.signIn('ann', { device: 'laptop' }))
  assert.deepEqual([event.kind, 'device' in event && event.device], ['session.started', 'laptop'])
})

test('the owner of an account hears that a copy of a refresh token was used, once', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const { refreshToken, sessionId } = await service.signIn('ann', { device: 'laptop' })
  const second = (await service.refresh(refreshToken)).body.refreshToken as string
  await service.refresh(second)
  const event = await next(service, async () => {
    const replies = await Promise.all([refreshToken, refreshToken, refreshToken].map(service.refresh))
    assert.deepEqual(
      replies.map(({ status }) => status),
      [401, 401, 401],
    )
  })
  assert.deepEqual(
    [event.kind, 'sessionId' in event && event.sessionId, 'device' in event && event.device],
    ['session.reused', sessionId, 'laptop'],
  )
})

test('the owner of an account hears that the password is another one, and not where it is not', async (t) => {
  const service = await openService(t)
  const userId = await service.register('ann')
  const { token } = await service.signIn('ann')
  const change = (oldPassword: string) =>
    service.as(token)('POST', '/api/user/password', { oldPassword, newPassword: 'anotherPass456' })
  const event = await next(service, async () => {
    assert.equal((await change('not the password')).status, 400)
    assert.equal((await change(PASSWORD)).status, 204)
  })
  assert.deepEqual([event.userId, event.kind], [userId, 'password.changed'])
})
