import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Claim, NewDelivery, Outcome } from './deliveries.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')
const LEASE = 60_000

/** The part of the contract that is about the ledger. */
export function deliveriesContract(name: string, several: Several): void {
  const one = async (...args: Parameters<Several> extends [infer T, number] ? [T] : never) =>
    (await several(args[0], 1))[0]!
  const claim = (store: NotificationStore, more: Partial<Parameters<typeof store.deliveries.claim>[0]> = {}) =>
    store.deliveries.claim({ channel: 'mail', owner: 'here', now: NOW, leaseMs: LEASE, limit: 10, ...more })

  test(`${name}: what is planned again stays as it is, whatever has become of it`, async (t) => {
    const [here, there] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const first = delivery({ payload: { text: 'first' } })
    await here.deliveries.plan([first])
    await there.deliveries.plan([{ ...first, payload: { text: 'second' } }, delivery({ id: 'other' })])
    const claims = await claim(there)
    assert.deepEqual(byId(claims), ['other', first.id].sort())
    const claimed = claims.find(({ id }) => id === first.id)!
    assert.deepEqual(claimed, { ...first, epoch: 1, failures: 0, dueAt: NOW + LEASE, leaseUntil: NOW + LEASE })
    await here.deliveries.plan([first])
    assert.deepEqual(await claim(here), [], 'what is being sent is not planned anew')
    assert.equal(await there.deliveries.settle(first.id, 1, { kind: 'sent' }, NOW), true)
    await here.deliveries.plan([first])
    assert.deepEqual(byId(await claim(here, { now: NOW + LEASE })), ['other'], 'and no more what was sent')
    await here.deliveries.plan([])
  })

  test(`${name}: many who plan the same at once plan it once`, async (t) => {
    const stores = await several(t, 2)
    const all = Array.from({ length: 20 }, () => delivery())
    await Promise.all(stores.flatMap((store) => [store.deliveries.plan(all), store.deliveries.plan(all.toReversed())]))
    assert.deepEqual(byId(await claim(stores[0]!, { limit: 100 })), byId(all))
  })

  test(`${name}: what is due is claimed by one, the longest due first, and of its channel alone`, async (t) => {
    const stores = await several(t, 2)
    const [here] = stores as [NotificationStore]
    const times = [5, 3, 9, 1, 7]
    await here.deliveries.plan([
      ...times.map((n) => delivery({ id: `m${n}`, dueAt: NOW - n })),
      delivery({ id: 'later', dueAt: NOW + 1 }),
      delivery({ id: 'push', channel: 'push', dueAt: NOW - 100 }),
    ])
    assert.equal(await here.deliveries.nextDue('mail'), NOW - 9)
    assert.deepEqual(
      (await claim(here, { limit: 2 })).map(({ id }) => id),
      ['m9', 'm7'],
    )
    const rest = await Promise.all([0, 1, 0, 1].map((i) => claim(stores[i]!, { limit: 1 })))
    const more = await claim(here)
    assert.deepEqual([...byId(rest.flat()), ...byId(more)].sort(), ['m1', 'm3', 'm5'])
    assert.equal(await here.deliveries.nextDue('mail'), NOW + 1)
    assert.deepEqual(byId(await claim(here, { channel: 'push' })), ['push'])
    assert.deepEqual(byId(await claim(here, { now: NOW + 1 })), ['later'])
  })

  test(`${name}: a lease that ends is claimed again, and who held it settles nothing`, async (t) => {
    const [here, there] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const { id } = delivery()
    await here.deliveries.plan([delivery({ id })])
    const [first] = (await claim(here)) as [Claim]
    assert.deepEqual(await claim(there, { now: NOW + LEASE - 1 }), [])
    assert.equal(await here.deliveries.nextDue('mail'), NOW + LEASE)
    const [second] = (await claim(there, { now: NOW + LEASE })) as [Claim]
    assert.deepEqual([first.epoch, second.epoch], [1, 2])
    for (const outcome of OUTCOMES) assert.equal(await here.deliveries.settle(id, 1, outcome, NOW + LEASE), false)
    assert.equal(await there.deliveries.settle(id, 3, { kind: 'sent' }, NOW), false, 'nor who never had it')
    assert.equal(await there.deliveries.settle(id, 2, { kind: 'sent', providerId: 'p' }, NOW + LEASE + 1), true)
    for (const outcome of OUTCOMES) assert.equal(await there.deliveries.settle(id, 2, outcome, NOW), false, 'or again')
    assert.equal(await here.deliveries.settle('nothing', 1, { kind: 'sent' }, NOW), false)
    assert.equal(await here.deliveries.nextDue('mail'), undefined)
  })

  test(`${name}: a claim is kept for longer by who holds it, and by nobody else`, async (t) => {
    const [here, there] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const { id } = delivery()
    await here.deliveries.plan([delivery({ id })])
    await claim(here)
    assert.equal(await here.deliveries.renew(id, 1, NOW + 2 * LEASE), true)
    assert.deepEqual(await claim(there, { now: NOW + 2 * LEASE - 1 }), [])
    const [second] = (await claim(there, { now: NOW + 2 * LEASE })) as [Claim]
    assert.equal(second.epoch, 2)
    assert.equal(await here.deliveries.renew(id, 1, NOW + 9 * LEASE), false)
    assert.equal(await there.deliveries.settle(id, 2, { kind: 'retry', at: NOW, reason: 'r' }, NOW), true)
    assert.equal(await there.deliveries.renew(id, 2, NOW + 9 * LEASE), false)
    assert.equal(await there.deliveries.nextDue('mail'), NOW)
    assert.equal(await there.deliveries.renew('nothing', 1, NOW), false)
  })

  test(`${name}: what is to be tried again waits, keeps its payload, and has a higher epoch`, async (t) => {
    const store = await one(t)
    const planned = delivery({ userId: randomUUID(), payload: { link: 'https://x/#secret', n: [1, { two: null }] } })
    await store.deliveries.plan([planned])
    await claim(store)
    const retry: Outcome = { kind: 'retry', at: NOW + 500, reason: 'busy', detail: 'come again' }
    assert.equal(await store.deliveries.settle(planned.id, 1, retry, NOW), true)
    assert.equal(await store.deliveries.settle(planned.id, 1, { kind: 'sent' }, NOW), false, 'the claim is over')
    assert.deepEqual(await claim(store, { now: NOW + 499 }), [])
    const [told] = await store.deliveries.ofUser(planned.userId!, 10)
    assert.deepEqual(
      [told?.state, told?.reason, told?.detail, told?.dueAt],
      ['planned', 'busy', 'come again', NOW + 500],
    )
    const [again] = await claim(store, { now: NOW + 500 })
    assert.deepEqual([again?.epoch, again?.payload], [2, planned.payload])
  })

  test(`${name}: a user's deliveries are told with what came of them, the latest first, page by page`, async (t) => {
    const store = await one(t)
    const userId = randomUUID()
    const about = `${randomUUID()}/7`
    const all = ['a', 'b', 'c', 'd'].map((id, i) => delivery({ id, userId, about, plannedAt: NOW + (i >> 1) }))
    const muted = delivery({
      id: 'e',
      userId,
      about,
      plannedAt: NOW + 5,
      dropped: { reason: 'muted', detail: 'for 8 hours' },
    })
    await store.deliveries.plan([...all, muted, delivery({ userId: randomUUID(), about, id: 'stranger' })])
    await store.deliveries.plan([delivery({ id: 'x', userId, about: 'other/1', plannedAt: NOW - 1 })])
    await claim(store, { limit: 100 })
    await store.deliveries.settle('a', 1, { kind: 'sent', providerId: 'server/1' }, NOW + 1)
    await store.deliveries.settle('b', 1, { kind: 'failed', reason: 'refused', detail: '550 nobody' }, NOW + 2)
    await store.deliveries.settle('c', 1, { kind: 'dropped', reason: 'read' }, NOW + 3)
    const common = { channel: 'mail', userId, about } as const
    assert.deepEqual(await store.deliveries.about(userId, about, 10), [
      { id: 'a', ...common, state: 'sent', plannedAt: NOW, settledAt: NOW + 1, epoch: 1, providerId: 'server/1' },
      {
        id: 'b',
        ...common,
        state: 'failed',
        plannedAt: NOW,
        settledAt: NOW + 2,
        epoch: 1,
        reason: 'refused',
        detail: '550 nobody',
      },
      { id: 'c', ...common, state: 'dropped', plannedAt: NOW + 1, settledAt: NOW + 3, epoch: 1, reason: 'read' },
      { id: 'd', ...common, state: 'sending', plannedAt: NOW + 1, dueAt: NOW + LEASE, epoch: 1 },
      {
        id: 'e',
        ...common,
        state: 'dropped',
        plannedAt: NOW + 5,
        settledAt: NOW + 5,
        epoch: 0,
        reason: 'muted',
        detail: 'for 8 hours',
      },
    ])
    assert.deepEqual((await store.deliveries.about(userId, about, 2)).length, 2)
    const first = await store.deliveries.ofUser(userId, 2)
    assert.deepEqual(
      first.map(({ id }) => id),
      ['e', 'd'],
    )
    const rest = await store.deliveries.ofUser(userId, 10, first[1])
    assert.deepEqual(
      rest.map(({ id }) => id),
      ['c', 'b', 'a', 'x'],
    )
    assert.deepEqual(await store.deliveries.ofUser(randomUUID(), 10), [])
  })

  test(`${name}: only what failed counts as a failure`, async (t) => {
    const store = await one(t)
    await store.deliveries.plan([delivery({ id: 'a' })])
    let now = NOW
    const failures: number[] = []
    for (const failed of [undefined, true, false, undefined, true, true] as const) {
      const [claimed] = (await claim(store, { now })) as [Claim]
      failures.push(claimed.failures)
      now += LEASE
      if (failed === undefined) continue // The lease is lost.
      const outcome: Outcome = { kind: 'retry', at: now, reason: 'x', ...(failed && { failed }) }
      assert.ok(await store.deliveries.settle('a', claimed.epoch, outcome, now))
    }
    assert.deepEqual(failures, [0, 0, 1, 1, 1, 2])
    const [last] = (await claim(store, { now })) as [Claim]
    assert.deepEqual([last.failures, last.epoch], [3, 7])
  })

  test(`${name}: what waits is counted, no further than asked`, async (t) => {
    const store = await one(t)
    await store.deliveries.plan([1, 2, 3, 4].map((n) => delivery({ id: String(n) })))
    await store.deliveries.plan([delivery({ channel: 'push' })])
    await claim(store, { limit: 2 })
    assert.equal(await store.deliveries.open('mail', 10), 4)
    assert.equal(await store.deliveries.open('mail', 3), 3)
    for (const { id } of await claim(store, { now: NOW + LEASE, limit: 3 }))
      await store.deliveries.settle(id, id === '1' || id === '2' ? 2 : 1, { kind: 'sent' }, NOW)
    assert.equal(await store.deliveries.open('mail', 10), 1)
  })

  test(`${name}: of who is forgotten nothing is sent any more, and nothing tells of them`, async (t) => {
    const [here, there] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const [ann, ben] = [randomUUID(), randomUUID()]
    const about = `${randomUUID()}/1`
    const of = (id: string, userId: string) => delivery({ id, userId, about })
    await here.deliveries.plan([of('sent', ann), of('open', ann), of('of ben', ben)])
    const claims = await claim(here)
    assert.equal(claims.length, 3)
    await here.deliveries.settle('sent', 1, { kind: 'failed', reason: 'refused', detail: 'ann@example.org' }, NOW)
    await there.deliveries.forget(ann, NOW)
    assert.deepEqual(await here.deliveries.ofUser(ann, 10), [])
    assert.deepEqual(await here.deliveries.about(ann, about, 10), [])
    assert.equal(await here.deliveries.settle('open', 1, { kind: 'sent' }, NOW), false)
    await here.deliveries.plan([of('sent', ann), of('open', ann)])
    assert.deepEqual(byId(await claim(here, { now: NOW + LEASE })), ['of ben'], 'what comes again is known still')
    assert.equal((await here.deliveries.ofUser(ben, 10)).length, 1)
  })

  test(`${name}: what was settled long ago goes, the oldest first, in batches, and nothing else`, async (t) => {
    const store = await one(t)
    const all = [1, 2, 3, 4].map((n) => delivery({ id: String(n), userId: 'ann' }))
    await store.deliveries.plan(all)
    await claim(store)
    for (const n of [1, 2, 3]) await store.deliveries.settle(String(n), 1, { kind: 'sent' }, NOW + n)
    assert.equal(await store.deliveries.purge(NOW + 1, 10), 0)
    assert.equal(await store.deliveries.purge(NOW + 4, 2), 2)
    assert.deepEqual(byId(await store.deliveries.ofUser('ann', 10)), ['3', '4'])
    assert.equal(await store.deliveries.purge(NOW + 4, 2), 1)
    assert.equal(await store.deliveries.purge(NOW + 1_000_000, 2), 0)
    assert.deepEqual(byId(await claim(store, { now: NOW + LEASE })), ['4'])
  })

  test(`${name}: of many who claim, settle and die at random, each delivery is settled once`, async (t) => {
    const stores = await several(t, 2)
    const all = Array.from({ length: 30 }, (_, i) => delivery({ id: `r${i}`, dueAt: NOW - i }))
    await stores[0]!.deliveries.plan(all)
    const settled: string[] = []
    let now = NOW
    for (let round = 0; settled.length < all.length; round++) {
      assert.ok(round < 60, 'all of them are settled in the end')
      const claims = await Promise.all(stores.map((store) => claim(store, { now, limit: 4 })))
      const both = claims.flat()
      assert.equal(new Set(byId(both)).size, both.length, 'no two hold the same')
      await Promise.all(
        claims.flatMap((own, i) =>
          own.map(async ({ id, epoch }, n) => {
            // Some never say anything; what they held comes again.
            if ((n + round) % 3 === 0) return
            if (await stores[i]!.deliveries.settle(id, epoch, { kind: 'sent' }, now)) settled.push(id)
          }),
        ),
      )
      now += LEASE / 2
    }
    assert.deepEqual(settled.toSorted(), byId(all))
  })
}

const OUTCOMES: Outcome[] = [
  { kind: 'sent' },
  { kind: 'retry', at: NOW, reason: 'r' },
  { kind: 'failed', reason: 'r' },
  { kind: 'dropped', reason: 'r' },
]

const delivery = (more: Partial<NewDelivery> = {}): NewDelivery => ({
  id: randomUUID(),
  channel: 'mail',
  plannedAt: NOW,
  dueAt: NOW,
  payload: { text: 'hello' },
  ...more,
})

const byId = (all: readonly { id: string }[]): string[] => all.map(({ id }) => id).sort()
