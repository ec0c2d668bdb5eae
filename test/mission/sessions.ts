import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@parley/infra/until'
import type { Problem } from '@parley/protocol/fault'
import type { LoginReply, SessionItem } from '@parley/protocol/user'
import { connect } from '../device.ts'
import { ask } from '../http.ts'
import { logIn, newPerson, PASSWORD } from '../person.ts'
import type { System } from './system.ts'

/** P9: what is revoked is refused everywhere within this time. */
export const REVOKED_WITHIN_MS = 2_000

export function sessions({ url, partition }: System): void {
  test('a session goes on by its refresh token, which is new each time', async () => {
    const john = await newPerson(url(), 'john')
    const refresh = <T>(refreshToken: string) => ask<T>(`${url()}/api/user/refresh`, 'POST', { body: { refreshToken } })
    const first = await refresh<LoginReply>(john.refreshToken)
    assert.equal(first.status, 200)
    assert.notEqual(first.body.refreshToken, john.refreshToken)
    assert.deepEqual([first.body.sessionId, first.body.user.id], [john.sessionId, john.id])
    assert.equal((await ask(`${url()}/api/conversations`, 'GET', { token: first.body.token })).status, 200)
    assert.equal((await refresh(first.body.refreshToken!)).status, 200)
    assert.equal((await refresh<Problem>('nonsense')).body.code, 'auth.invalid')
  })

  test('a browser’s session goes on by its cookie', async () => {
    const john = await newPerson(url(), 'john')
    const { headers } = await ask(`${url()}/api/user/login`, 'POST', {
      body: { email: john.email, password: PASSWORD },
    })
    const cookie = headers.get('set-cookie')!.split(';')[0]!
    const refreshed = await ask<LoginReply>(`${url()}/api/user/refresh`, 'POST', { headers: { cookie } })
    assert.equal(refreshed.status, 200)
    assert.equal(refreshed.body.refreshToken, undefined)
    assert.match(refreshed.headers.get('set-cookie') ?? '', /HttpOnly/i)
    const foreign = { cookie, origin: 'https://evil.example' }
    assert.equal((await ask(`${url()}/api/user/refresh`, 'POST', { headers: foreign })).status, 403)
  })

  test('an open socket goes on with a new access token of its session, and not with another’s', async () => {
    const [john, jane] = await Promise.all([newPerson(url(), 'john'), newPerson(url(), 'jane')])
    using device = await john.connect({ partition: partition(0) })
    const body = { refreshToken: john.refreshToken }
    const { token, expiresAt } = (await ask<LoginReply>(`${url()}/api/user/refresh`, 'POST', { body })).body
    const reply = await device.get<{ expiresAt: string }>('session.refresh', { token })
    assert.equal(Math.floor(Date.parse(reply.expiresAt) / 1000), Math.floor(Date.parse(expiresAt) / 1000))
    const other = await device.ask('session.refresh', { token: jane.token })
    assert.equal(!other.ok && other.error.code, 'auth.invalid')
  })

  test('logging out ends the session on every node, and no other session', async () => {
    const john = await newPerson(url(), 'john')
    const phone = await logIn(url(), john.email)
    assert.equal((await phone.post('/api/user/logout')).status, 204)
    const refused = async () => (await phone.get('/api/conversations')).status === 401
    await until('the token to be refused', REVOKED_WITHIN_MS, refused)
    assert.equal((await phone.get('/api/user/me')).status, 401)
    const body = { refreshToken: phone.refreshToken }
    assert.equal((await ask(`${url()}/api/user/refresh`, 'POST', { body })).status, 401)
    for (const node of [0, 1]) {
      const shut = () => rejects(phone.connect({ partition: partition(node) }))
      await until(`node ${node} to refuse the socket`, REVOKED_WITHIN_MS, shut)
    }
    assert.equal((await john.get('/api/conversations')).status, 200)
  })

  test('revoking a session closes its open sockets on every node within two seconds, and tells them why', async (t) => {
    const john = await newPerson(url(), 'john')
    const phone = await logIn(url(), john.email)
    using own = await john.connect({ partition: partition(0) })
    using here = await phone.connect({ partition: partition(0) })
    using there = await phone.connect({ partition: partition(1), transports: ['polling'] })
    const { items } = (await john.get<{ items: SessionItem[] }>('/api/user/me/sessions')).body
    assert.deepEqual(
      items.filter(({ current }) => !current).map(({ id }) => id),
      [phone.sessionId],
    )
    const began = performance.now()
    assert.equal((await john.ask('DELETE', `/api/user/me/sessions/${phone.sessionId}`)).status, 204)
    await Promise.all(
      [here, there].map(async (device) => {
        assert.deepEqual(await device.next('session.revoked'), { reason: 'revoked' })
        await device.ended()
      }),
    )
    const took = Math.round(performance.now() - began)
    t.diagnostic(`closed after ${took} ms`)
    assert.ok(took < REVOKED_WITHIN_MS, `${took} ms`)
    assert.equal((await own.ask('sync', {})).ok, true)
    await assert.rejects(connect(url(), { auth: { token: phone.token } }), { code: 'auth.invalid' })
  })
}

async function rejects(connecting: Promise<Disposable>): Promise<boolean> {
  try {
    using _device = await connecting
    return false
  } catch (error) {
    assert.equal((error as Problem).code, 'auth.invalid')
    return true
  }
}
