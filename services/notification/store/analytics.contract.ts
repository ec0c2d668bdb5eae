import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { DAY_MS, type DayCounts, dayOf, startOf } from './analytics.ts'
import { DIGEST_IDS } from './deliveries.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const DAY = '2030-01-01'
const NOON = startOf(DAY) + DAY_MS / 2
const NEXT = dayOf(NOON + DAY_MS)
const COUNTS: DayCounts = {
  ...{ messages: 7, activeUsers: 3, registrations: 2, logIns: 1 },
  // As an older release counted.
  notices: { mail: { sent: 1, failed: 0, dropped: 0 }, push: { sent: 0, failed: 2, dropped: 3 } },
}

/** The part of the contract that is about daily counts. `runs` as in `store.contract.ts`. */
export function analyticsContract(name: string, several: Several, runs: number): void {
  test(`${name}: whatever of a conversation comes late, twice, or to another process, each message counts once`, async (t) => {
    const stores = await several(t, 2)
    let total = 0
    const step = fc.oneof(
      fc.record({ hear: fc.integer({ min: 1, max: 9 }), in: fc.nat(2), at: fc.nat(1) }),
      fc.record({ count: fc.constantFrom(DAY, NEXT), at: fc.nat(1) }),
      fc.constant('both' as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const conversations = [randomUUID(), randomUUID(), randomUUID()]
        const most = [0, 0, 0]
        for (const one of steps)
          if (one === 'both') await Promise.all(stores.map(({ analytics }) => analytics.countMessages(DAY)))
          else if ('count' in one) await stores[one.at]!.analytics.countMessages(one.count)
          else {
            await stores[one.at]!.watches.note([{ conversationId: conversations[one.in]!, seq: one.hear }], NOON)
            most[one.in] = Math.max(most[one.in]!, one.hear)
          }
        total += most.reduce((a, b) => a + b)
        await Promise.all(stores.map(({ analytics }) => analytics.countMessages(NEXT)))
        const [first, second] = await Promise.all([DAY, NEXT].map((day) => stores[0]!.analytics.count(day)))
        assert.equal(first!.messages + second!.messages, total)
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })

  test(`${name}: what was decided and forgotten long ago is not counted again`, async (t) => {
    const [{ watches, analytics }] = (await several(t, 1)) as [NotificationStore]
    const conversationId = randomUUID()
    await watches.note([{ conversationId, seq: 4 }], NOON)
    const [watch] = await watches.claim({ owner: 'me', now: NOON, leaseMs: 1_000, limit: 1 })
    // Two more are found there, of which nobody told.
    await watches.decide(watch!, { conversationId, fromSeq: 1, toSeq: 4, at: NOON, answers: [] }, [], {
      ...{ seq: 6, dueAt: NOON + 1 },
    })
    const [rest] = await watches.claim({ owner: 'me', now: NOON + 1, leaseMs: 1_000, limit: 1 })
    const round = { conversationId, fromSeq: 5, toSeq: 6, at: NOON, answers: [] }
    await watches.decide(rest!, round, [], { seq: 6, dueAt: NOON + 2 })
    await analytics.countMessages(DAY)
    assert.equal((await analytics.count(DAY)).messages, 6)
    while (await watches.purge(NOON + 40 * DAY_MS, 10));
    const later = NOON + 41 * DAY_MS
    await watches.note([{ conversationId, seq: 7 }], later)
    await analytics.countMessages(dayOf(later))
    assert.equal((await analytics.count(dayOf(later))).messages, 1)
  })

  test(`${name}: a conversation that was forgotten goes on from where it was, in whatever order it is heard of again`, async (t) => {
    const stores = await several(t, 2)
    const pass = fc.record({ size: fc.integer({ min: 1, max: 4 }), order: fc.nat(9), twice: fc.boolean() })
    const era = fc.record({ passes: fc.array(pass, { minLength: 1, maxLength: 4 }), counts: fc.array(fc.nat(4)) })
    let now = NOON
    await fc.assert(
      fc.asyncProperty(fc.array(era, { minLength: 1, maxLength: 4 }), async (eras) => {
        const conversationId = randomUUID()
        let head = 0
        for (const { passes, counts } of eras) {
          now += 50 * DAY_MS
          const day = dayOf(now)
          const before = head
          const told = passes.flatMap(({ size, order, twice }) => {
            const news = { conversationId, fromSeq: head + 1, seq: head + size }
            head += size
            return Array.from({ length: twice ? 2 : 1 }, (_, n) => ({ news, order: (order + 5 * n) % 10 }))
          })
          for (const [n, { news }] of told.toSorted((a, b) => a.order - b.order).entries()) {
            await stores[n % 2]!.watches.note([news], now)
            if (counts.includes(n)) await stores[(n + 1) % 2]!.analytics.countMessages(day)
          }
          const later = now + 40 * DAY_MS
          assert.equal(await prune(later), 0, 'what waits is not forgotten')
          await decideAll(stores[0]!, now)
          if (!counts.some((n) => n < told.length)) assert.equal(await prune(later), 0, 'nor what is not counted')
          await Promise.all(stores.map(({ analytics }) => analytics.countMessages(day)))
          assert.equal((await stores[0]!.analytics.count(day)).messages, head - before)
          assert.equal(await prune(now), 0, 'nor what was heard of lately')
          assert.equal(await prune(later), 1)
        }
      }),
      { numRuns: runs, endOnFailure: true },
    )
    async function prune(until: number): Promise<number> {
      const pruned = await Promise.all(stores.map(({ watches }) => watches.prune(until, 10)))
      return pruned.reduce((a, b) => a + b)
    }
  })

  test(`${name}: a fact counts once on its day, whoever notes it`, async (t) => {
    const [{ analytics: here }, { analytics: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const fact = { day: DAY, kind: 'active', id: 'ann' } as const
    await Promise.all([here.note([fact, { ...fact, id: 'ben' }]), there.note([{ ...fact, id: 'eve' }, fact])])
    await here.note([fact, { ...fact, kind: 'registered' }, { ...fact, kind: 'logIn', id: 'event' }])
    await there.note([{ ...fact, day: NEXT }, fact])
    await there.note([])
    const counted = { messages: 0, activeUsers: 3, registrations: 1, logIns: 1 }
    assert.deepEqual(await here.count(DAY), counted)
    assert.deepEqual(await there.count(NEXT), { messages: 0, activeUsers: 1, registrations: 0, logIns: 0 })
  })

  test(`${name}: of notices those count that were settled on the day, each once, by what became of them`, async (t) => {
    const [{ deliveries, analytics }] = (await several(t, 1)) as [NotificationStore]
    const plan = { plannedAt: NOON, dueAt: NOON, payload: {} }
    await deliveries.plan([
      { ...plan, id: 'a', channel: 'mail' },
      { ...plan, id: 'b', channel: 'mail' },
      { ...plan, id: `${DIGEST_IDS}1`, channel: 'mail', dropped: { reason: 'read' } },
      { ...plan, id: 'c', channel: 'push' },
      { ...plan, id: 'd', channel: 'push', dropped: { reason: 'muted' } },
    ])
    const settle = async (channel: 'mail' | 'push', kind: 'sent' | 'failed', at: number): Promise<void> => {
      const [claim] = await deliveries.claim({ channel, owner: 'me', now: NOON, leaseMs: DAY_MS, limit: 1 })
      const outcome = kind === 'sent' ? { kind } : { kind, reason: 'refused' }
      await deliveries.settle(claim!.id, claim!.epoch, outcome, at)
      await deliveries.settle(claim!.id, claim!.epoch, outcome, at + 1)
    }
    await settle('mail', 'sent', NOON)
    await settle('push', 'failed', startOf(NEXT) - 1)
    await settle('mail', 'sent', startOf(NEXT))
    await deliveries.plan([{ ...plan, id: `${DIGEST_IDS}2`, channel: 'mail' }])
    await settle('mail', 'sent', NOON)
    const alert = { day: DAY, kind: 'alert', id: 'one' } as const
    for (const facts of [[alert, { ...alert, id: 'two' }], [alert]]) await analytics.note(facts)
    const none = { sent: 0, failed: 0, dropped: 0 }
    assert.deepEqual(await analytics.notices(DAY), {
      mail: { ...none, sent: 1 },
      digest: { ...none, sent: 1, dropped: 1 },
      push: { ...none, failed: 1, dropped: 1 },
      alert: { sent: 2 },
    })
    const next = { mail: { ...none, sent: 1 }, digest: none, push: none, alert: { sent: 0 } }
    assert.deepEqual(await analytics.notices(NEXT), next)
  })

  test(`${name}: a day is closed once, and then nobody is named; old days are forgotten`, async (t) => {
    const [{ analytics: here }, { analytics: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    await here.note([DAY, NEXT].map((day) => ({ day, kind: 'active', id: 'ann' })))
    await Promise.all([here.close(DAY, COUNTS), there.close(DAY, COUNTS)])
    await there.close(DAY, { ...COUNTS, messages: 99 })
    assert.equal((await here.count(DAY)).activeUsers, 0)
    assert.equal((await here.count(NEXT)).activeUsers, 1)
    assert.deepEqual(await here.closed(DAY, NEXT), [{ day: DAY, counts: COUNTS }])
    await here.close(NEXT, COUNTS)
    assert.deepEqual(
      (await there.closed('2029-01-01', '2031-01-01')).map(({ day }) => day),
      [DAY, NEXT],
    )
    await there.note([{ day: DAY, kind: 'active', id: 'ann' }])
    await here.purge(NEXT, NEXT)
    assert.deepEqual(
      (await there.closed(DAY, NEXT)).map(({ day }) => day),
      [NEXT],
    )
    assert.equal((await there.count(DAY)).activeUsers, 0)
  })
}

async function decideAll({ watches }: NotificationStore, now: number): Promise<void> {
  for (const watch of await watches.claim({ owner: 'me', now, leaseMs: 1_000, limit: 100 })) {
    const { conversationId, fromSeq, toSeq } = watch
    const round = { conversationId, fromSeq, toSeq, at: now, answers: [] }
    assert.equal(await watches.decide(watch, round, [], { seq: toSeq, dueAt: now }), true)
  }
}
