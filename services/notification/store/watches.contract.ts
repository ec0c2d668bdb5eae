import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { NewDelivery } from './deliveries.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'
import { LOOK_BACK, type Round, type Watch, type WatchStore } from './watches.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')
const LEASE = 60_000

/** The part of the contract that is about what waits to be decided on. */
export function watchesContract(name: string, several: Several): void {
  test(`${name}: what is heard is due once, and decided once, in whatever order it is heard`, async (t) => {
    const [{ watches: here }, { watches: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const conversationId = randomUUID()
    assert.deepEqual(await here.note([{ conversationId, seq: 2 }], NOW), [{ conversationId, dueAt: NOW }])
    assert.deepEqual(await there.note([{ conversationId, seq: 1 }], NOW - 5), [{ conversationId, dueAt: NOW }])
    await there.note([{ conversationId, seq: 4 }], NOW + 5)
    assert.equal(await here.nextDue(), NOW)
    assert.deepEqual(await claim(here, NOW - 1), [])
    const watch = { conversationId, fromSeq: 1, toSeq: 4, epoch: 1, leaseUntil: NOW + LEASE }
    assert.deepEqual(await claim(here), [watch])
    assert.deepEqual(await claim(there), [], 'it is one’s alone')
    assert.equal(await there.decide(watch, roundOf(watch), [], soon(NOW)), true)
    assert.equal(await here.nextDue(), undefined)
    assert.deepEqual(await here.note([{ conversationId, seq: 3 }], NOW), [])
    assert.deepEqual(await claim(there), [], 'what comes late is decided already')
    await here.note([{ conversationId, seq: 5 }], NOW + 1)
    assert.deepEqual(await claim(there, NOW + 1), [
      { conversationId, fromSeq: 5, toSeq: 5, epoch: 2, leaseUntil: NOW + 1 + LEASE },
    ])
    await here.note([], NOW)
  })

  test(`${name}: what is heard while it is decided on is decided next, and whoever claims again is given the same`, async (t) => {
    const [{ watches: here }, { watches: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const conversationId = randomUUID()
    await here.note([{ conversationId, seq: 3 }], NOW)
    const [frozen] = (await claim(here)) as [Watch]
    assert.deepEqual(await there.note([{ conversationId, seq: 7 }], NOW + 2), [], 'somebody decides there now')
    const [again] = (await claim(there, NOW + LEASE)) as [Watch]
    assert.deepEqual([again.fromSeq, again.toSeq, again.epoch], [1, 3, 2])
    await there.postpone(again, NOW + LEASE + 9)
    assert.equal(await here.nextDue(), NOW + LEASE + 9)
    const [last] = (await claim(there, NOW + LEASE + 9)) as [Watch]
    assert.deepEqual([last.fromSeq, last.toSeq, last.epoch], [1, 3, 3])
    await there.postpone(again, NOW)
    assert.equal(await here.decide(frozen, roundOf(frozen), [], soon(NOW)), false, 'who was frozen settles nothing')
    assert.equal(await there.decide(last, roundOf(last), [], soon(NOW + LEASE + 20)), true)
    assert.equal(await there.decide(last, roundOf(last), [], soon(NOW)), false)
    assert.equal(await here.nextDue(), NOW + LEASE + 20)
    const [rest] = (await claim(here, NOW + 2 * LEASE)) as [Watch]
    assert.deepEqual([rest.fromSeq, rest.toSeq], [4, 7])
  })

  test(`${name}: of who is deleted nothing is left in what was decided, however much that was, and of the others all`, async (t) => {
    const [here, there] = (await several(t, 2)).map(({ watches }) => watches) as [WatchStore, WatchStore]
    const ids = Array.from({ length: 60 }, () => randomUUID())
    await here.note(
      ids.map((conversationId) => ({ conversationId, seq: 2 })),
      NOW,
    )
    const watches = await claim(here)
    await Promise.all(watches.map((watch) => here.decide(watch, roundOf(watch), [], soon(NOW))))
    await there.forget([])
    await there.forget(['ann', 'cleo'])
    for (const watch of watches) {
      const { answers, ...rest } = roundOf(watch)
      const left = answers.map((answer) => ({ ...answer, userIds: ['bob'] }))
      assert.deepEqual(await here.round(watch.conversationId, 1), { ...rest, answers: left })
    }
    assert.equal(watches.length, ids.length)
  })

  test(`${name}: a decision plans its deliveries, and tells of each message in which round it was decided`, async (t) => {
    const [store] = (await several(t, 1)) as [NotificationStore]
    const { watches, deliveries } = store
    const conversationId = randomUUID()
    const rounds: Round[] = []
    for (const [seq, at] of [
      [2, NOW],
      [6, NOW + 10],
    ] as const) {
      await watches.note([{ conversationId, seq }], at)
      const [watch] = (await claim(watches, at)) as [Watch]
      const round = roundOf(watch, at)
      rounds.push(round)
      assert.equal(await watches.decide(watch, round, [push(`${conversationId}/${seq}`)], soon(at)), true)
    }
    const claimed = await deliveries.claim({ channel: 'push', owner: 'me', now: NOW, leaseMs: LEASE, limit: 10 })
    assert.deepEqual(claimed.map(({ id }) => id).toSorted(), [`${conversationId}/2`, `${conversationId}/6`])
    for (const [seq, round] of [1, 2, 3, 6].map((n) => [n, rounds[n < 3 ? 0 : 1]] as const))
      assert.deepEqual(await watches.round(conversationId, seq), round, `${seq}`)
    assert.equal(await watches.round(conversationId, 7), undefined)
    assert.equal(await watches.round(randomUUID(), 1), undefined)
    assert.equal(await watches.purge(NOW, 10), 0)
    assert.equal(await watches.purge(NOW + 1, 10), 1)
    assert.equal(await watches.round(conversationId, 2), undefined)
    assert.deepEqual(await watches.round(conversationId, 3), rounds[1])
  })

  test(`${name}: what is there beyond a claim is decided next, though nobody was told of it`, async (t) => {
    const [{ watches }] = (await several(t, 1)) as [NotificationStore]
    const conversationId = randomUUID()
    await watches.note([{ conversationId, seq: 1 }], NOW)
    const [watch] = (await claim(watches)) as [Watch]
    assert.equal(await watches.decide(watch, roundOf(watch), [], { seq: 4, dueAt: NOW + 9 }), true)
    assert.equal(await watches.nextDue(), NOW + 9)
    const [rest] = (await claim(watches, NOW + 9)) as [Watch]
    assert.deepEqual([rest.fromSeq, rest.toSeq], [2, 4])
    assert.equal(await watches.decide(rest, roundOf(rest), [], { seq: 4, dueAt: NOW + 20 }), true)
    assert.equal(await watches.nextDue(), undefined)
  })

  test(`${name}: a conversation that was forgotten is decided on from a little before what is told of it`, async (t) => {
    const [{ watches, analytics }] = (await several(t, 1)) as [NotificationStore]
    const conversationId = randomUUID()
    const decided = async (at: number): Promise<[number, number]> => {
      const [watch] = (await claim(watches, at)) as [Watch]
      assert.equal(await watches.decide(watch, roundOf(watch, at), [], { seq: watch.toSeq, dueAt: at }), true)
      await analytics.countMessages('2030-01-01')
      return [watch.fromSeq, watch.toSeq]
    }
    await watches.note([{ conversationId, fromSeq: 1, seq: 700 }], NOW)
    assert.deepEqual(await decided(NOW), [1, 700])
    await watches.note([{ conversationId, fromSeq: 701, seq: 701 }], NOW + 1)
    assert.deepEqual(await decided(NOW + 1), [701, 701], 'while it is known nothing is decided again')
    assert.equal(await watches.prune(NOW + 1, 10), 0)
    assert.equal(await watches.prune(NOW + 2, 10), 1)
    await watches.note([{ conversationId, fromSeq: 705, seq: 706 }], NOW + 3)
    await watches.note([{ conversationId, fromSeq: 702, seq: 704 }], NOW + 4)
    assert.deepEqual(await decided(NOW + 4), [702 - LOOK_BACK, 706])
    await watches.note([{ conversationId, fromSeq: 700, seq: 707 }], NOW + 5)
    assert.deepEqual(await decided(NOW + 5), [707, 707], 'what was decided there stays so')
  })

  test(`${name}: a lost claim plans what the next one plans too, and nothing twice`, async (t) => {
    const [here, there] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const conversationId = randomUUID()
    await here.watches.note([{ conversationId, seq: 1 }], NOW)
    const [frozen] = (await claim(here.watches)) as [Watch]
    const [winner] = (await claim(there.watches, NOW + LEASE)) as [Watch]
    const planned = push(conversationId)
    const decided = await Promise.all([
      there.watches.decide(winner, { ...roundOf(winner), at: 2 }, [planned], soon(NOW)),
      here.watches.decide(frozen, { ...roundOf(frozen), at: 1 }, [planned], soon(NOW)),
    ])
    assert.deepEqual(decided, [true, false])
    assert.equal((await here.watches.round(conversationId, 1))?.at, 2)
    assert.equal(await here.deliveries.open('push', 10), 1)
  })

  test(`${name}: the longest due comes first, none to two, and no more than asked for`, async (t) => {
    const stores = await several(t, 2)
    const ids = Array.from({ length: 9 }, () => randomUUID())
    for (const [n, conversationId] of ids.entries())
      await stores[0]!.watches.note([{ conversationId, seq: 1 }], NOW - n)
    const first = await stores[0]!.watches.claim({ owner: 'me', now: NOW, leaseMs: LEASE, limit: 2 })
    assert.deepEqual(
      first.map(({ conversationId }) => conversationId),
      [ids[8], ids[7]],
    )
    const rest = await Promise.all([0, 1, 0, 1].map((n) => claim(stores[n]!.watches)))
    const more = (await Promise.all([0, 1].map((n) => claim(stores[n]!.watches)))).flat()
    const all = [...rest.flat(), ...more].map(({ conversationId }) => conversationId)
    assert.deepEqual(all.toSorted(), ids.slice(0, 7).toSorted())
  })

  test(`${name}: whatever is heard and whoever dies, each message is decided exactly once`, async (t) => {
    const stores = await several(t, 2)
    const step = fc.oneof(
      fc.record({ do: fc.constant('note' as const), seq: fc.integer({ min: 1, max: 30 }) }),
      fc.constant({ do: 'claim' as const }),
      fc.constant({ do: 'die' as const }),
      fc.constant({ do: 'postpone' as const }),
      fc.constant({ do: 'decide' as const }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const conversationId = randomUUID()
        let now = NOW
        let held: Watch | undefined
        let highest = 0
        const decided: number[] = []
        const settle = async (watch: Watch): Promise<void> => {
          assert.equal(await stores[1]!.watches.decide(watch, roundOf(watch), [], soon(now)), true)
          for (let seq = watch.fromSeq; seq <= watch.toSeq; seq++) decided.push(seq)
        }
        const take = async (): Promise<Watch | undefined> =>
          (await claim(stores[0]!.watches, now)).find((watch) => watch.conversationId === conversationId)
        for (const one of steps) {
          now++
          if (one.do === 'note') {
            highest = Math.max(highest, one.seq)
            await stores[now % 2]!.watches.note([{ conversationId, seq: one.seq }], now)
          } else if (one.do === 'claim') held ??= await take()
          else if (one.do === 'die') {
            now += LEASE
            held = undefined
          } else if (held) {
            if (one.do === 'decide') await settle(held)
            else await stores[0]!.watches.postpone(held, now)
            held = undefined
          }
        }
        now += LEASE
        for (let last = await take(); last; last = await take()) await settle(last)
        assert.deepEqual(
          decided,
          Array.from({ length: highest }, (_, n) => n + 1),
        )
      }),
      { numRuns: 25 },
    )
  })
}

const claim = (watches: WatchStore, now = NOW): Promise<Watch[]> =>
  watches.claim({ owner: 'me', now, leaseMs: LEASE, limit: 100 })

/** Nothing is there beyond the claim. */
const soon = (dueAt: number) => ({ seq: 0, dueAt })

const roundOf = ({ conversationId, fromSeq, toSeq }: Watch, at = NOW): Round => ({
  ...{ conversationId, fromSeq, toSeq, at },
  answers: [{ fromSeq, toSeq, answer: 'read', userIds: ['ann', 'bob'] }],
})

const push = (id: string): NewDelivery => ({ id, channel: 'push', plannedAt: NOW, dueAt: NOW, payload: {} })
