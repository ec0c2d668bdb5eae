import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AuditEntry, type AuditFilter, deletedIdOf } from './audit.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const KINDS = ['session.started', 'session.revoked', 'email.changed'] as const

/** The part of the contract that is about what happened to accounts. `runs` as in `store.contract.ts`. */
export function auditContract(name: string, several: Several, runs: number): void {
  async function two(t: Parameters<Several>[0]) {
    const [{ audit: here }, { audit: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    return { here, there, ann: randomUUID(), ben: randomUUID() }
  }

  test(`${name}: an entry is added once, by whoever and however often, and stays as it was first`, async (t) => {
    const { here, there, ann, ben } = await two(t)
    const one = entry(ann, { place: '192.0.2.0/24', sessionId: 'phone' })
    const added = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 ? here : there).note(one)))
    assert.equal(added.filter(Boolean).length, 1)
    assert.equal(await there.note({ ...one, at: 9, reason: 'logout' }), false)
    const moved = entry(ann, { kind: 'device.moved', toUserId: ben, at: 2 })
    const over = entry(ben, { kind: 'session.revoked', reason: 'reused', at: 3 })
    assert.deepEqual([await here.note(moved), await there.note(over)], [true, true])
    assert.deepEqual(await there.list({}, 10), [over, moved, one])
  })

  test(`${name}: whatever is asked for is given the latest first, page by page, and nothing else`, async (t) => {
    const stores = await two(t)
    const some = fc.record({ at: fc.nat(4), kind: fc.constantFrom(...KINDS), user: fc.nat(1) })
    const where = fc.record(
      { user: fc.nat(1), kind: fc.constantFrom(...KINDS), after: fc.nat(5), before: fc.nat(5) },
      { requiredKeys: [] },
    )
    const all: AuditEntry[] = []
    const users = [randomUUID(), randomUUID()]
    await fc.assert(
      fc.asyncProperty(
        fc.array(some, { maxLength: 4 }),
        where,
        fc.integer({ min: 1, max: 3 }),
        async (more, asked, limit) => {
          for (const { at, kind, user } of more) {
            const next = entry(users[user]!, { at, kind })
            all.push(next)
            await stores.here.note(next)
          }
          const { user, kind, after, before } = asked
          const filter: AuditFilter = {
            ...(user !== undefined && { userId: users[user]! }),
            ...(kind !== undefined && { kind }),
            ...(after !== undefined && { after }),
            ...(before !== undefined && { before: { at: before, id: '' } }),
          }
          const expected = all
            .filter(({ userId }) => user === undefined || userId === users[user])
            .filter((one) => kind === undefined || one.kind === kind)
            .filter(({ at }) => at >= (after ?? 0) && at < (before ?? 99))
            .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
          const found: AuditEntry[] = []
          for (let page = await stores.there.list(filter, limit); page.length > 0; ) {
            assert.ok(page.length <= limit)
            found.push(...page)
            page = await stores.there.list({ ...filter, before: page.at(-1)! }, limit)
          }
          assert.deepEqual(found, expected)
        },
      ),
      { numRuns: runs, endOnFailure: true },
    )
  })

  test(`${name}: of an account that is deleted no place is kept, of whatever comes in whatever order, and of others it is`, async (t) => {
    const stores = await two(t)
    const order = fc.shuffledSubarray([0, 1, 2, 3, 3, 0], { minLength: 6 })
    await fc.assert(
      fc.asyncProperty(order, fc.boolean(), async (steps, atOnce) => {
        const [gone, stays] = [randomUUID(), randomUUID()]
        const those = [
          entry(gone, { place: '192.0.2.0/24', sessionId: 'one' }),
          entry(gone, { place: '192.0.2.0/24', kind: 'session.reused' }),
          entry(stays, { place: '198.51.100.0/24' }),
          entry(gone, { id: deletedIdOf(gone), kind: 'account.deleted' }),
        ]
        const notes = steps.map((step, n) => () => (n % 2 ? stores.here : stores.there).note(those[step]!))
        if (atOnce) await Promise.all(notes.map((note) => note()))
        else for (const note of notes) await note()
        const found = await stores.here.list({ userId: gone }, 10)
        assert.deepEqual(
          found.map(({ place, ...rest }) => ({ rest, place })).toSorted((a, b) => (a.rest.id < b.rest.id ? -1 : 1)),
          [those[0]!, those[1]!, those[3]!]
            .map(({ place: _, ...rest }) => ({ rest, place: undefined }))
            .toSorted((a, b) => (a.rest.id < b.rest.id ? -1 : 1)),
        )
        assert.deepEqual(await stores.there.list({ userId: stays }, 10), [those[2]])
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })

  test(`${name}: what is old is removed in portions, the oldest first`, async (t) => {
    const { here, there, ann } = await two(t)
    for (const at of [5, 1, 4, 2, 3]) await here.note(entry(ann, { at }))
    assert.equal(await there.purge(4, 2), 2)
    assert.deepEqual(await ats(), [5, 4, 3])
    assert.deepEqual([await there.purge(4, 2), await here.purge(4, 2)], [1, 0])
    assert.deepEqual(await ats(), [5, 4])
    async function ats() {
      return (await here.list({}, 10)).map(({ at }) => at)
    }
  })
}

const entry = (userId: string, some: Partial<AuditEntry> = {}): AuditEntry => {
  const { kind = 'session.started' } = some
  return { id: `${kind}/${randomUUID()}`, at: 1, kind, userId, ...some }
}
