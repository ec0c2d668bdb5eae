import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { LETTER_OF, type Letter, NOTICES_AT_MOST, type Ticket, type TicketKind } from './mail.ts'
import { account, session } from './store.contract.ts'
import type { Account, UserStore } from './store.ts'

const NOW = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-01T00:30:00.000Z'

/** The part of the user store's contract that is about mail: tickets, letters, and what uses them up. */
export function mailContract(name: string, several: (t: TestContext, count: number) => Promise<UserStore[]>): void {
  async function two(t: TestContext) {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const ann = account('ann')
    await here.users.add(ann)
    return { here, there, ann }
  }

  test(`${name}: an account has one ticket of each kind, and its letter waits until it was told`, async (t) => {
    const { here, there, ann } = await two(t)
    const [first, second, other] = [ticket(ann, 'password'), ticket(ann, 'password'), ticket(ann, 'email')]
    for (const each of [first, second, other])
      assert.equal(await here.mail.grant(each, letterOf(each, ann), asking(ann)), true)
    assert.deepEqual(await there.mail.find(ann.id, 'password'), second)
    assert.deepEqual(await there.mail.find(ann.id, 'email'), other)
    assert.deepEqual(ids(await there.mail.untold(10)), [second.id, other.id].sort())
    assert.equal((await there.mail.untold(1)).length, 1)
    await there.mail.told([letterOf(second, ann), letterOf(first, ann)])
    assert.deepEqual(await here.mail.untold(10), [letterOf(other, ann)])
    await there.mail.told([letterOf(other, ann)])
    assert.deepEqual(await here.mail.untold(10), [])
    assert.deepEqual(await here.mail.find(ann.id, 'password'), second)
    assert.deepEqual(await here.users.findByName('ann'), ann)
    const nobody = ticket(account('nobody'), 'password')
    assert.equal(await here.mail.grant(nobody, letterOf(nobody, ann), asking(ann)), false)
    assert.equal(await here.mail.find(nobody.userId, 'password'), undefined)
  })

  test(`${name}: a ticket sets the password once, in one step with the notice, and no other is good after it`, async (t) => {
    const { here, there, ann } = await two(t)
    const [used, other] = [ticket(ann, 'password'), ticket(ann, 'email')]
    for (const each of [used, other]) await here.mail.grant(each, letterOf(each, ann), asking(ann))
    await here.sessions.add(session(ann.id))
    const change = { before: ann.passwordHash, after: 'new', ticket: { id: used.id, at: NOW }, notice: notice(ann) }
    assert.equal(await there.users.setPassword(ann.id, { ...change, ticket: { id: randomUUID(), at: NOW } }), false)
    assert.equal(await there.users.setPassword(ann.id, { ...change, ticket: { id: other.id, at: NOW } }), false)
    assert.equal(await there.users.setPassword(ann.id, { ...change, ticket: { id: used.id, at: LATER } }), false)
    assert.deepEqual(ids(await here.mail.untold(10)), [used.id, other.id].sort())
    const done = await Promise.all(
      [here, there, here, there].map((store, i) => store.users.setPassword(ann.id, { ...change, after: `new ${i}` })),
    )
    assert.equal(done.filter(Boolean).length, 1)
    assert.deepEqual(await there.mail.find(ann.id, 'password'), { ...used, spent: true })
    assert.equal(await there.mail.find(ann.id, 'email'), undefined)
    assert.deepEqual(await here.mail.untold(10), [change.notice])
    assert.deepEqual(await here.sessions.list(ann.id), [])
    await here.users.settle(ann.id)
    const again = { ...change, before: `new ${done.indexOf(true)}`, after: 'again' }
    assert.equal(await here.users.setPassword(ann.id, again), false)
    assert.equal(await here.users.setPassword(ann.id, { before: again.before, after: 'by hand' }), true)
    assert.equal(await there.mail.find(ann.id, 'password'), undefined)
  })

  test(`${name}: a ticket that was asked for by what has changed since is not granted`, async (t) => {
    const { here, there, ann } = await two(t)
    const [mail, reset] = [ticket(ann, 'email'), ticket(ann, 'password')]
    const byPassword = { passwordHash: ann.passwordHash }
    const byAddress = { emailKey: ann.emailKey }
    assert.equal(await there.users.setPassword(ann.id, { before: ann.passwordHash, after: 'new' }), true)
    assert.equal(await here.mail.grant(mail, letterOf(mail, ann), byPassword), false)
    assert.equal(await here.mail.grant(reset, letterOf(reset, ann), byAddress), true, 'the address is the same')
    assert.equal(await here.mail.grant(mail, letterOf(mail, ann), { passwordHash: 'new' }), true)
    const change = {
      email: mail.email!,
      emailKey: mail.emailKey!,
      ticket: { id: mail.id, at: NOW },
      notice: notice(ann),
    }
    assert.equal(await there.users.setEmail(ann.id, change), 'changed')
    assert.equal(await here.mail.grant(reset, letterOf(reset, ann), byAddress), false)
    assert.equal(await there.mail.find(ann.id, 'password'), undefined)
    assert.deepEqual(await there.mail.untold(10), [change.notice])
  })

  test(`${name}: a ticket makes its address the account’s, unless another has it by then`, async (t) => {
    const { here, there, ann } = await two(t)
    const [ben, cid] = [account('ben'), account('cid')]
    for (const each of [ben, cid]) await here.users.add(each)
    const change = (of: Account, with_: Ticket, email: string) => ({
      email,
      emailKey: email.toLowerCase(),
      ticket: { id: with_.id, at: NOW },
      notice: notice(of),
    })
    const [anns, cids, reset] = [ticket(ann, 'email'), ticket(cid, 'email'), ticket(ann, 'password')]
    for (const [each, of] of [
      [anns, ann],
      [cids, cid],
      [reset, ann],
    ] as const)
      await here.mail.grant(each, letterOf(each, of), asking(of))
    assert.equal(await there.users.setEmail(ann.id, change(ann, anns, ben.emailKey)), 'email.taken')
    assert.equal(await there.users.setEmail(ann.id, change(ann, reset, 'x@example.org')), 'over')
    assert.equal(await there.users.setEmail(ben.id, change(ben, anns, 'x@example.org')), 'over')
    assert.deepEqual(await here.users.find([ann.id]), [ann])
    const outcomes = await Promise.all([
      here.users.setEmail(ann.id, change(ann, anns, 'New@Example.org')),
      there.users.setEmail(cid.id, change(cid, cids, 'New@Example.org')),
    ])
    assert.deepEqual(outcomes.sort(), ['changed', 'email.taken'])
    const owner = (await there.users.findByEmail('new@example.org'))!
    assert.equal(owner.email, 'New@Example.org')
    assert.equal((await here.mail.find(owner.id, 'email'))?.spent, true)
    assert.equal(await here.mail.find(owner.id, 'password'), undefined)
    const spent = owner.id === ann.id ? anns : cids
    assert.equal(await here.users.setEmail(owner.id, change(owner, spent, 'again@example.org')), 'over')
    assert.equal(await there.users.findByEmail(owner.id === ann.id ? ann.emailKey : cid.emailKey), undefined)
    assert.ok((await here.mail.untold(10)).some(({ kind, userId }) => kind === 'email.changed' && userId === owner.id))
  })

  test(`${name}: of many notices of one account the last ${NOTICES_AT_MOST} wait`, async (t) => {
    const { here, ann } = await two(t)
    let before = ann.passwordHash
    for (let i = 0; i < NOTICES_AT_MOST + 5; i++) {
      const at = new Date(Date.parse(NOW) + i).toISOString()
      await here.users.setPassword(ann.id, { before, after: `new ${i}`, notice: { ...notice(ann), at } })
      before = `new ${i}`
    }
    const waiting = await here.mail.untold(100)
    assert.equal(waiting.length, NOTICES_AT_MOST)
    assert.ok(waiting.every(({ at }) => at > NOW))
    await here.mail.told(waiting.slice(1))
    assert.deepEqual(await here.mail.untold(100), waiting.slice(0, 1))
  })

  test(`${name}: a letter whose ticket was purged before it was told holds up no other`, async (t) => {
    const { here, there, ann } = await two(t)
    const ben = account('ben')
    await here.users.add(ben)
    const [over, good] = [ticket(ann, 'password'), { ...ticket(ben, 'email'), expiresAt: '2026-01-02T00:00:00.000Z' }]
    await here.mail.grant(over, letterOf(over, ann), asking(ann))
    await here.mail.purge('2026-01-01T12:00:00.000Z')
    await here.mail.grant(good, letterOf(good, ben), asking(ben))
    const seen: string[] = []
    // As the relay does it, one at a time.
    for (let round = 0; round < 5; round++) {
      const waiting = await there.mail.untold(1)
      seen.push(...ids(waiting))
      await there.mail.told(waiting)
    }
    assert.ok(seen.includes(good.id))
    assert.deepEqual(await here.mail.untold(10), [])
  })

  test(`${name}: tickets past their end are purged, and no others`, async (t) => {
    const { here, ann } = await two(t)
    const [over, good] = [ticket(ann, 'password'), { ...ticket(ann, 'email'), expiresAt: '2026-01-02T00:00:00.000Z' }]
    for (const each of [over, good]) await here.mail.grant(each, letterOf(each, ann), asking(ann))
    await here.mail.purge('2026-01-01T12:00:00.000Z')
    assert.equal(await here.mail.find(ann.id, 'password'), undefined)
    assert.deepEqual(await here.mail.find(ann.id, 'email'), good)
  })
}

const ticket = ({ id: userId }: Account, kind: TicketKind): Ticket => ({
  userId,
  kind,
  id: randomUUID(),
  expiresAt: LATER,
  ...(kind === 'email' && { email: 'New@example.org', emailKey: 'new@example.org' }),
})

const letterOf = ({ id, userId, kind, expiresAt, email }: Ticket, to: Account): Letter => ({
  id,
  userId,
  kind: LETTER_OF[kind],
  to: email ?? to.email,
  username: to.username,
  at: NOW,
  expiresAt,
})

/** As one asks who knows the password. */
const asking = ({ passwordHash }: Account): Pick<Account, 'passwordHash'> => ({ passwordHash })

const notice = ({ id: userId, email: to, username }: Account): Letter => ({
  id: randomUUID(),
  userId,
  kind: 'email.changed',
  to,
  username,
  at: NOW,
})

const ids = (letters: readonly Letter[]): string[] => letters.map(({ id }) => id).sort()
