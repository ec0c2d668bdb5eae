import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@parley/protocol/fault'
import { connect } from '../device.ts'
import { ask } from '../http.ts'
import { badTokens } from './forgery.ts'
import type { Town } from './town.ts'
import { exchange, head, statuses } from './wire.ts'

export function tokens(town: () => Town, keyFile: () => string): void {
  test('forged, expired and foreign tokens open neither a request nor a socket', async () => {
    const { url, eve, ann, unharmed } = town()
    const jwks = await ask<{ keys: [{ x: string }] }>(`${url}/.well-known/jwks.json`, 'GET')
    for (const [what, token] of Object.entries(badTokens(eve, ann, keyFile(), jwks.body.keys[0]))) {
      const expected = what === 'ended' ? 'auth.expired' : 'auth.invalid'
      for (const path of ['/api/conversations', '/api/user/me', '/api/user/me/sessions']) {
        const { status, body, headers } = await ask<Problem>(url + path, 'GET', { token })
        assert.deepEqual([status, body.code], [401, expected], `${what}: ${path}`)
        assert.equal(headers.get('www-authenticate'), 'Bearer')
      }
      const body = { receiverId: ann.id, message: 'forged' }
      assert.equal((await ask(`${url}/api/messages/send`, 'POST', { token, body })).status, 401, what)
      await assert.rejects(connect(url, { auth: { token } }), { code: expected }, what)
      await unharmed(what)
    }
  })

  test('a token counts where it belongs, and nowhere else', async () => {
    const { url, eve, unharmed } = town()
    const { token } = eve
    const elsewhere: [what: string, path: string, headers: Record<string, string>][] = [
      ['none', '', {}],
      ['in the address', `?token=${token}`, {}],
      ['in the address by its other name', `?access_token=${token}`, {}],
      ['in a cookie', '', { cookie: `token=${token}; parley_token=${token}` }],
      ['as a basic password', '', { authorization: `Basic ${Buffer.from(`eve:${token}`).toString('base64')}` }],
      ['without a scheme', '', { authorization: token }],
      ['twice', '', { authorization: `Bearer ${token} ${token}` }],
    ]
    for (const [what, query, headers] of elsewhere) {
      const { status, body } = await ask<Problem>(`${url}/api/conversations${query}`, 'GET', { headers })
      assert.deepEqual([status, body.code], [401, 'auth.invalid'], what)
    }
    for (const auth of [
      {},
      { token: '' },
      { token: null },
      { token: { $ne: null } },
      { token: [token] },
      { Token: token },
    ])
      await assert.rejects(connect(url, { auth }), { code: 'auth.invalid' }, JSON.stringify(auth))
    await assert.rejects(connect(url, { headers: { authorization: `Bearer ${token}` } }), { code: 'auth.invalid' })
    await unharmed('tokens in wrong places')
  })

  test('an access token is no refresh token, and a long one is refused at once', async () => {
    const { url, eve, unharmed } = town()
    const refresh = await ask(`${url}/api/user/refresh`, 'POST', { body: { refreshToken: eve.token } })
    assert.ok(refresh.status === 401 || refresh.status === 400, String(refresh.status))
    const long = head(url, 'GET /api/conversations HTTP/1.1', [`Authorization: Bearer ${'x'.repeat(1_000_000)}`])
    const [status] = statuses(await exchange(url, long))
    // Where the refusal is overtaken by the reset of a connection that still writes there is none to read.
    assert.ok(status === undefined || [400, 431].includes(status), String(status))
    await assert.rejects(connect(url, { auth: { token: 'x'.repeat(60_000) } }), { code: 'auth.invalid' })
    await unharmed('a token of a megabyte')
  })
}
