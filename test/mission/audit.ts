import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stack } from '@parley/infra/stack'
import { until } from '@parley/infra/until'
import { readKeys } from '@parley/kit/keys'
import type { LoginReply } from '@parley/protocol/user'
import { ask } from '../http.ts'
import { logIn, newPerson, PASSWORD } from '../person.ts'
import type { System } from './system.ts'

interface Entry {
  id: string
  kind: string
  userId: string
  sessionId?: string
  reason?: string
}

/** What an operator can find out later of an account. */
export function audit({ url }: System, stack: () => Stack, keyFile: string): void {
  test('what happened to an account is read on the internal port, the same from every process', async () => {
    const john = await newPerson(url(), 'john')
    const phone = await logIn(url(), john.email)
    const refresh = (refreshToken: string) =>
      ask<LoginReply>(`${url()}/api/user/refresh`, 'POST', { body: { refreshToken } })
    const second = (await refresh(phone.refreshToken)).body.refreshToken!
    assert.equal((await refresh(second)).status, 200)
    assert.equal((await refresh(phone.refreshToken)).status, 401, 'somebody has a copy')
    const tablet = await logIn(url(), john.email)
    const change = { oldPassword: PASSWORD, newPassword: 'quite another one' }
    assert.equal((await john.post('/api/user/password', change)).status, 204)

    const token = readKeys(keyFile, ['internal']).internal.toString('base64url')
    const list = async (name: string, more = ''): Promise<Entry[]> => {
      const path = `${stack().internalUrl(name)}/internal/audit?userId=${john.id}${more}`
      return (await ask<{ items: Entry[] }>(path, 'GET', { token })).body.items
    }
    const names = stack()
      .names()
      .filter((name) => name === 'parley' || name.startsWith('notification'))
    const first = await until('all of it to be in the list', 20_000, async () => {
      const items = await list(names[0]!)
      return items.length >= 7 && items
    })
    assert.deepEqual(
      first.map(wordsOf).toSorted(),
      [
        ...['account.registered', 'password.changed', `session.reused ${phone.sessionId}`],
        `session.revoked ${phone.sessionId} reused`,
        `session.revoked ${tablet.sessionId} password`,
        ...[`session.started ${phone.sessionId}`, `session.started ${tablet.sessionId}`],
      ].toSorted(),
    )
    assert.equal(first.at(-1)?.kind, 'account.registered', 'the latest comes first')
    for (const name of names) {
      assert.deepEqual(await list(name), first, name)
      assert.deepEqual((await list(name, '&kind=password.changed')).map(wordsOf), ['password.changed'])
    }
    const written = JSON.stringify(first)
    for (const secret of [john.email, john.name, PASSWORD, phone.refreshToken, second])
      assert.ok(!written.includes(secret), secret)
    assert.equal((await ask(`${stack().internalUrl(names[0]!)}/internal/audit`, 'GET')).status, 401)
    assert.equal((await ask(`${url()}/internal/audit`, 'GET', { token })).status, 404)
  })
}

const wordsOf = ({ kind, sessionId, reason }: Entry): string => [kind, sessionId, reason].filter(Boolean).join(' ')
