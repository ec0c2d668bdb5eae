import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { deletionsContract } from './deletions.contract.ts'
import { mailContract } from './mail.contract.ts'
import { securityContract } from './security.contract.ts'
import type { Account, Session, UserStore } from './store.ts'

/**
 * What every user store promises. `open` makes a fresh, empty place and returns a function that opens a store on it; each call
 * stands for another process. Whoever supplies `open` removes the place in `t.after`; the suite closes the stores.
 */
export function userStoreContract(name: string, open: (t: TestContext) => Promise<() => Promise<UserStore>>): void {
  const one = async (t: TestContext): Promise<UserStore> => (await several(t, 1))[0]!
  const several = async (t: TestContext, count: number): Promise<UserStore[]> => {
    const stores: UserStore[] = []
    t.after(() => Promise.all(stores.map((store) => store[Symbol.asyncDispose]())))
    const another = await open(t)
    for (let i = 0; i < count; i++) stores.push(await another())
    return stores
  }

  mailContract(name, several)
  deletionsContract(name, several)
  securityContract(name, several)

  test(`${name}: an account is found by e-mail address, by name and by id`, async (t) => {
    const { users } = await one(t)
    const ann = account('ann')
    const ben = { ...account('ben'), requestKey: 'ab'.repeat(32) }
    assert.equal(await users.add(ann), 'added')
    assert.equal(await users.add(ben), 'added')
    assert.deepEqual(await users.findByEmail(ann.emailKey), ann)
    assert.deepEqual(await users.findByName('ben'), ben)
    assert.deepEqual((await users.find([ben.id, randomUUID(), ann.id])).sort(byName), [ann, ben])
    assert.deepEqual(await users.find([]), [])
    assert.equal(await users.findByEmail('nobody@example.org'), undefined)
    assert.equal(await users.findByName('nobody'), undefined)
  })

  test(`${name}: accounts are searched by the beginning of the name, page by page, in any script`, async (t) => {
    const { users } = await one(t)
    for (const each of ['ann', 'anna', 'anne', 'ban', 'an_x', 'аня', 'аннa', '𝒜nn'])
      await users.add({ ...account(each), email: `${each.length}`, emailKey: randomUUID() })
    const names = async (prefix: string, after?: string, limit = 10): Promise<string[]> =>
      (await users.search(prefix, after, limit)).map(({ nameKey }) => nameKey)
    assert.deepEqual(await names('an'), ['an_x', 'ann', 'anna', 'anne'])
    assert.deepEqual(await names('an', undefined, 2), ['an_x', 'ann'])
    assert.deepEqual(await names('an', 'ann', 2), ['anna', 'anne'])
    assert.deepEqual(await names('an', 'anne'), [])
    assert.deepEqual(await names('ан'), ['аннa', 'аня'])
    assert.deepEqual(await names('𝒜'), ['𝒜nn'])
    for (const none of ['nn', '%', '_nn', 'a.n', 'ann\u0000', '.*']) assert.deepEqual(await names(none), [], none)
  })

  test(`${name}: a name or an address that is taken is refused, the name first, and nothing is added`, async (t) => {
    const { users } = await one(t)
    const ann = account('ann')
    await users.add(ann)
    const sameName = { ...account('other'), nameKey: ann.nameKey }
    const sameEmail = { ...account('another'), emailKey: ann.emailKey }
    assert.equal(await users.add(sameName), 'name.taken')
    assert.equal(await users.add(sameEmail), 'email.taken')
    assert.equal(await users.add({ ...account('x'), nameKey: ann.nameKey, emailKey: ann.emailKey }), 'name.taken')
    assert.deepEqual(await users.find([sameName.id, sameEmail.id]), [])
    assert.equal(await users.count(10), 1)
  })

  test(`${name}: of many who register one name or address at once, exactly one succeeds`, async (t) => {
    const stores = await several(t, 2)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stores[i % 2]!.users.add({ ...account(`racer${i}`), nameKey: 'racer' })),
    )
    assert.deepEqual(tally(outcomes), { added: 1, 'name.taken': 19 })
    const byEmail = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        stores[i % 2]!.users.add({ ...account(`r${i}`), emailKey: 'r@example.org' }),
      ),
    )
    assert.deepEqual(tally(byEmail), { added: 1, 'email.taken': 19 })
  })

  test(`${name}: accounts wait to be announced until they were`, async (t) => {
    const { users } = await one(t)
    const all = [account('ann'), account('ben'), account('cid')]
    for (const each of all) await users.add(each)
    assert.equal((await users.unannounced(2)).length, 2)
    assert.deepEqual((await users.unannounced(10)).sort(byName), all)
    await users.announced([all[0]!.id, all[2]!.id])
    await users.announced([])
    assert.deepEqual(await users.unannounced(10), [all[1]])
    assert.deepEqual(await users.findByName('ann'), all[0])
  })

  test(`${name}: accounts are counted no further than asked`, async (t) => {
    const { users } = await one(t)
    assert.equal(await users.count(3), 0)
    for (const each of ['ann', 'ben', 'cid', 'dan']) await users.add(account(each))
    assert.equal(await users.count(3), 3)
    assert.equal(await users.count(100), 4)
  })

  test(`${name}: a user's sessions are listed by latest use, and named by that user only`, async (t) => {
    const { sessions } = await one(t)
    const [ann, ben] = [randomUUID(), randomUUID()]
    const older = session(ann, { place: '203.0.113.0/24', lastUsedAt: '2026-01-01T00:00:00.000Z' })
    const newer = session(ann, { lastUsedAt: '2026-01-02T00:00:00.000Z' })
    const foreign = session(ben)
    for (const each of [older, newer, foreign]) await sessions.add(each)
    assert.deepEqual(await sessions.list(ann), [newer, older])
    assert.equal(await sessions.rename(ann, older.id, 'phone'), true)
    assert.equal(await sessions.rename(ann, foreign.id, 'mine now'), false)
    assert.equal(await sessions.rename(ann, randomUUID(), 'nothing'), false)
    assert.deepEqual(await sessions.find(older.id), { ...older, name: 'phone' })
    assert.deepEqual(await sessions.find(foreign.id), foreign)
    assert.equal(await sessions.find(randomUUID()), undefined)
    assert.deepEqual(await sessions.list(randomUUID()), [])
  })

  test(`${name}: of many who move a chain on from one place at once, exactly one does`, async (t) => {
    const stores = await several(t, 2)
    const first = session(randomUUID())
    await stores[0]!.sessions.add(first)
    const moved = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stores[i % 2]!.sessions.rotate(first.id, 0, rotation(`${i}`))),
    )
    assert.equal(moved.filter(Boolean).length, 1)
    const winner = rotation(`${moved.indexOf(true)}`)
    assert.deepEqual(await stores[1]!.sessions.find(first.id), { ...first, ...winner, generation: 1 })
    assert.equal(await stores[0]!.sessions.rotate(first.id, 0, rotation('late')), false)
    assert.equal(await stores[0]!.sessions.rotate(first.id, 1, rotation('next')), true)
    assert.equal(await stores[0]!.sessions.rotate(randomUUID(), 0, rotation('none')), false)
  })

  test(`${name}: a revoked session is gone everywhere and stands in the control log`, async (t) => {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const ann = randomUUID()
    const [gone, kept] = [session(ann), session(ann)]
    await here.sessions.add(gone)
    await here.sessions.add(kept)
    assert.equal(await here.control.head(), 0)
    assert.equal(await here.sessions.revoke(ann, gone.id, 'logout'), true)

    const entries = await there.control.read(0, 10)
    assert.deepEqual(
      entries.map(({ at, ...rest }) => rest),
      [{ n: 1, kind: 'session.revoked', userId: ann, sessionId: gone.id, reason: 'logout' }],
    )
    assert.match(entries[0]!.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.equal(await there.control.head(), 1)
    assert.equal(await there.sessions.find(gone.id), undefined)
    assert.deepEqual(await there.sessions.list(ann), [kept])
    assert.equal(await there.sessions.rotate(gone.id, 0, rotation('x')), false)
    assert.equal(await there.sessions.rename(ann, gone.id, 'x'), false)
  })

  test(`${name}: a session is revoked once, and by its user only`, async (t) => {
    const stores = await several(t, 2)
    const [ann, ben] = [randomUUID(), randomUUID()]
    const own = session(ann)
    await stores[0]!.sessions.add(own)
    assert.equal(await stores[0]!.sessions.revoke(ben, own.id, 'revoked'), false)
    assert.deepEqual(await stores[1]!.sessions.find(own.id), own)
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => stores[i % 2]!.sessions.revoke(ann, own.id, 'revoked')),
    )
    assert.equal(outcomes.filter(Boolean).length, 1)
    assert.equal(await stores[1]!.sessions.revoke(ann, own.id, 'revoked'), false)
    assert.equal((await stores[1]!.control.read(0, 10)).length, 1)
  })

  test(`${name}: a new password ends all sessions but the one that is kept, and stands in the control log`, async (t) => {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const [ann, ben] = [account('ann'), account('ben')]
    await here.users.add(ann)
    await here.users.add(ben)
    const [kept, other, foreign] = [session(ann.id), session(ann.id), session(ben.id)]
    for (const each of [kept, other, foreign]) await here.sessions.add(each)
    const change = { before: ann.passwordHash, after: 'new', keep: kept.id }
    assert.equal(await there.users.setPassword(ann.id, { ...change, before: 'not it' }), false)
    assert.equal(await there.users.setPassword(randomUUID(), change), false)
    assert.equal((await here.sessions.list(ann.id)).length, 2)
    assert.equal(await there.users.setPassword(ann.id, change), true)
    assert.deepEqual(await here.users.find([ann.id]), [{ ...ann, passwordHash: 'new' }])
    assert.deepEqual(await here.users.find([ben.id]), [ben])
    assert.deepEqual(await here.sessions.list(ann.id), [kept])
    assert.deepEqual(await here.sessions.list(ben.id), [foreign])
    const entries = await here.control.read(0, 10)
    assert.deepEqual(
      entries.map((e) => e.kind === 'session.revoked' && [e.sessionId, e.reason]),
      [[other.id, 'password']],
    )
    assert.equal(await here.users.setPassword(ann.id, { before: 'new', after: 'newer' }), true)
    assert.deepEqual(await here.sessions.list(ann.id), [])
  })

  test(`${name}: of many who change one password at once, exactly one does`, async (t) => {
    const stores = await several(t, 2)
    const ann = account('ann')
    await stores[0]!.users.add(ann)
    const done = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        stores[i % 2]!.users.setPassword(ann.id, { before: ann.passwordHash, after: `new ${i}` }),
      ),
    )
    assert.equal(done.filter(Boolean).length, 1)
    assert.equal((await stores[0]!.users.find([ann.id]))[0]?.passwordHash, `new ${done.indexOf(true)}`)
  })

  test(`${name}: a session moved on and revoked at once ends revoked`, async (t) => {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const ann = randomUUID()
    for (let i = 0; i < 10; i++) {
      const each = session(ann)
      await here.sessions.add(each)
      await Promise.all([
        here.sessions.rotate(each.id, 0, rotation('x')),
        there.sessions.revoke(ann, each.id, 'revoked'),
      ])
      assert.equal(await here.sessions.find(each.id), undefined)
    }
    assert.equal(await here.control.head(), 10)
  })

  test(`${name}: the control log has no gap at any moment, however many write it`, async (t) => {
    const stores = await several(t, 2)
    const ann = randomUUID()
    const mine = Array.from({ length: 40 }, () => session(ann))
    await Promise.all(mine.map((each) => stores[0]!.sessions.add(each)))

    let writing = true
    const reading = (async () => {
      let seen = 0
      while (writing) {
        const head = await stores[1]!.control.head()
        const entries = await stores[0]!.control.read(0, 100)
        assert.deepEqual(numbers(entries), range(1, entries.length))
        assert.ok(entries.length >= Math.max(head, seen), 'what was readable stays readable')
        seen = entries.length
        await nextTurn()
      }
    })()
    await Promise.all(mine.map((each, i) => stores[i % 2]!.sessions.revoke(ann, each.id, 'revoked')))
    writing = false
    await reading

    const entries = await stores[1]!.control.read(0, 100)
    assert.deepEqual(numbers(entries), range(1, 40))
    assert.deepEqual(
      new Set(entries.map((e) => e.kind === 'session.revoked' && e.sessionId)),
      new Set(mine.map((s) => s.id)),
    )
    assert.deepEqual(numbers(await stores[0]!.control.read(5, 3)), [6, 7, 8])
    assert.deepEqual(await stores[0]!.control.read(40, 10), [])
    assert.deepEqual(await stores[0]!.control.read(99, 10), [])
    assert.equal(await stores[0]!.control.head(), 40)
  })

  test(`${name}: sessions past their end are purged, and no others`, async (t) => {
    const { sessions, control } = await one(t)
    const ann = randomUUID()
    const over = session(ann, { expiresAt: '2026-01-01T00:00:00.000Z' })
    const live = session(ann, { expiresAt: '2026-03-01T00:00:00.000Z' })
    await sessions.add(over)
    await sessions.add(live)
    await sessions.purge('2026-02-01T00:00:00.000Z')
    assert.deepEqual(await sessions.list(ann), [live])
    assert.equal(await control.head(), 0, 'an end by time needs no news: its tokens ended before it')
  })

  test(`${name}: what was stored is there when opened again`, async (t) => {
    const another = await open(t)
    const ann = account('ann')
    const [kept, gone] = [session(ann.id), session(ann.id)]
    {
      await using store = await another()
      await store.users.add(ann)
      await store.sessions.add(kept)
      await store.sessions.add(gone)
      await store.sessions.revoke(ann.id, gone.id, 'reused')
      await store.check()
    }
    await using store = await another()
    assert.deepEqual(await store.users.findByName('ann'), ann)
    assert.deepEqual(await store.sessions.list(ann.id), [kept])
    assert.equal(await store.control.head(), 1)
  })
}

/** An account as the rules would make it. */
export function account(name: string): Account {
  return {
    id: randomUUID(),
    username: name,
    nameKey: name,
    email: `${name}@Example.org`,
    emailKey: `${name}@example.org`,
    passwordHash: `$2b$04$${'a'.repeat(53)}`,
    createdAt: '2026-01-01T00:00:00.000Z',
  }
}

/** A session as the rules would make it. */
export function session(userId: string, some: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    userId,
    name: 'laptop',
    createdAt: '2026-01-01T00:00:00.000Z',
    lastUsedAt: '2026-01-01T00:00:00.000Z',
    current: 'c'.repeat(64),
    generation: 0,
    expiresAt: '2036-01-01T00:00:00.000Z',
    ...some,
  }
}

const rotation = (current: string) => ({
  current,
  previous: 'c'.repeat(64),
  lastUsedAt: '2026-02-01T00:00:00.000Z',
  place: '198.51.100.0/24',
  expiresAt: '2036-02-01T00:00:00.000Z',
})

const byName = (a: Account, b: Account): number => a.nameKey.localeCompare(b.nameKey)
const numbers = (entries: { n: number }[]): number[] => entries.map((entry) => entry.n)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
function tally(outcomes: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const each of outcomes) counts[each] = (counts[each] ?? 0) + 1
  return counts
}
