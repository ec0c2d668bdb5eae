import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { SECURITY_EVENTS_AT_MOST, type StoredSecurityEvent } from './security.ts'
import { account, session } from './store.contract.ts'
import type { Account, UserStore } from './store.ts'

/** The part of the user store's contract that is about what happens to accounts. */
export function securityContract(name: string, several: (t: TestContext, count: number) => Promise<UserStore[]>): void {
  async function two(t: TestContext) {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const ann = account('ann')
    await here.users.add(ann)
    return { here, there, ann }
  }

  test(`${name}: what happens to an account is stored with it, and waits until it was told`, async (t) => {
    const { here, there, ann } = await two(t)
    const [quiet, own] = [session(ann.id), session(ann.id)]
    const started = {
      ...eventOf(ann),
      kind: 'session.started' as const,
      sessionId: own.id,
      device: own.name,
      place: 'x',
    }
    const reused = { ...started, id: randomUUID(), kind: 'session.reused' as const }
    const changed = eventOf(ann)
    await here.sessions.add(quiet)
    assert.deepEqual(await there.security.untold(10), [])
    await here.sessions.add(own, started)
    assert.deepEqual(await there.security.untold(10), [started])
    const outcomes = await Promise.all(
      [here, there, here].map((store) =>
        store.sessions.revoke(ann.id, own.id, 'reused', { ...reused, id: randomUUID() }),
      ),
    )
    assert.equal(outcomes.filter(Boolean).length, 1)
    assert.equal(await here.sessions.revoke(ann.id, own.id, 'reused', reused), false)
    assert.deepEqual(
      (await there.security.untold(10)).map(({ kind }) => kind).sort(),
      ['session.reused', 'session.started'],
      'it ended once',
    )
    assert.equal(await here.users.setPassword(ann.id, { before: 'not it', after: 'new', event: changed }), false)
    assert.equal(await here.users.setPassword(ann.id, { before: ann.passwordHash, after: 'new', event: changed }), true)
    const all = await there.security.untold(10)
    assert.deepEqual(
      all.find(({ kind }) => kind === 'password.changed'),
      changed,
    )
    assert.equal(all.length, 3)
    assert.equal((await there.security.untold(2)).length, 2)
    await there.security.told([started, { id: randomUUID(), userId: ann.id }])
    assert.deepEqual(ids(await here.security.untold(10)), ids(all.filter(({ id }) => id !== started.id)))
    await here.security.told(all)
    assert.deepEqual(await there.security.untold(10), [])
    assert.deepEqual(await here.users.find([ann.id]), [{ ...ann, passwordHash: 'new' }])
  })

  test(`${name}: a new address leaves its event, and one that is refused none`, async (t) => {
    const { here, there, ann } = await two(t)
    const ticket = {
      userId: ann.id,
      kind: 'email' as const,
      id: randomUUID(),
      expiresAt: AT_END,
      email: 'n@x',
      emailKey: 'n@x',
    }
    const letter = { id: ticket.id, userId: ann.id, kind: 'email.change' as const, to: 'n@x', username: 'ann', at: AT }
    await here.mail.grant(ticket, letter, { passwordHash: ann.passwordHash })
    const event = { ...eventOf(ann), kind: 'email.changed' as const }
    const change = { email: 'n@x', emailKey: 'n@x', notice: { ...letter, kind: 'email.changed' as const }, event }
    assert.equal(await here.users.setEmail(ann.id, { ...change, ticket: { id: randomUUID(), at: AT } }), 'over')
    assert.deepEqual(await there.security.untold(10), [])
    assert.equal(await here.users.setEmail(ann.id, { ...change, ticket: { id: ticket.id, at: AT } }), 'changed')
    assert.deepEqual(await there.security.untold(10), [event])
  })

  test(`${name}: of an account the latest events wait, and of who is deleted none`, async (t) => {
    const { here, there, ann } = await two(t)
    const many = Array.from({ length: SECURITY_EVENTS_AT_MOST + 3 }, (_, i) => ({
      ...eventOf(ann),
      at: `2026-01-01T00:00:${String(i).padStart(2, '0')}.000Z`,
    }))
    for (const event of many) await here.sessions.add(session(ann.id), event)
    assert.deepEqual(ids(await there.security.untold(100)), ids(many.slice(3)))
    await here.deletions.begin({ userId: ann.id, messages: 'keep', at: AT }, ann.passwordHash)
    assert.deepEqual(await there.security.untold(100), [])
    await here.sessions.add(session(ann.id), eventOf(ann))
    assert.deepEqual(await there.security.untold(100), [])
  })
}

const AT = '2026-01-01T00:00:00.000Z'
const AT_END = '2026-01-01T00:30:00.000Z'
const ids = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id).sort()
const eventOf = ({ id: userId }: Account): StoredSecurityEvent => ({
  id: randomUUID(),
  userId,
  at: AT,
  kind: 'password.changed',
})
