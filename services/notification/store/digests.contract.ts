import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DIGEST_CONVERSATIONS, type DigestClaim } from './digests.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')
const PACE = { dueAt: NOW + 1_000, everyMs: 60_000 }
const LEASE = { leaseMs: 10_000, limit: 10 }

/** The part of the contract that is about users for whom something waits unread. */
export function digestsContract(name: string, several: Several): void {
  const two = async (...[t]: Parameters<Several>) => (await several(t, 2)) as [NotificationStore, NotificationStore]
  const planned = (claim: DigestClaim) => ({
    id: `mail/${claim.userId}/${claim.round}`,
    channel: 'mail' as const,
    userId: claim.userId,
    plannedAt: NOW,
    dueAt: NOW,
    payload: {},
  })

  test(`${name}: what is new for a user waits as one, from the first on, for one caller at a time`, async (t) => {
    const [{ digests: here }, { digests: there }] = await two(t, 2)
    await here.note({ conversationId: 'tea', userIds: ['ann', 'ben'] }, PACE, NOW)
    await there.note({ conversationId: 'cake', userIds: ['ann'] }, { ...PACE, dueAt: NOW + 500_000 }, NOW)
    await there.note({ conversationId: 'tea', userIds: ['ann'] }, { ...PACE, dueAt: NOW + 500_000 }, NOW)
    assert.equal(await there.nextDue(), NOW + 1_000)
    assert.deepEqual(await here.claim({ now: NOW + 999, ...LEASE }), [])
    const both = await Promise.all([here, there].map((one) => one.claim({ now: NOW + 1_000, ...LEASE })))
    const claims = both.flat().sort((one, other) => (one.userId < other.userId ? -1 : 1))
    assert.deepEqual(
      claims.map(({ userId, conversationIds, more, round, epoch }) => [userId, conversationIds, more, round, epoch]),
      [
        ['ann', ['tea', 'cake'], false, 0, 1],
        ['ben', ['tea'], false, 0, 1],
      ],
    )
    assert.deepEqual(await there.claim({ now: NOW + 5_000, ...LEASE }), [])
    const again = await there.claim({ now: NOW + 11_000, ...LEASE })
    assert.deepEqual(
      again.map(({ round, epoch }) => [round, epoch]),
      [
        [0, 2],
        [0, 2],
      ],
    )
  })

  test(`${name}: what was settled waits no more, its mail is planned, and the next is due when that is long enough ago`, async (t) => {
    const [{ digests, deliveries }, other] = await two(t, 2)
    await digests.note({ conversationId: 'tea', userIds: ['ann'] }, PACE, NOW)
    const [claim] = (await digests.claim({ now: NOW + 1_000, ...LEASE })) as [DigestClaim]
    assert.equal(await digests.settle(claim, planned(claim), NOW + 1_000, PACE), true)
    assert.equal(await digests.settle(claim, planned(claim), NOW + 1_000, PACE), false)
    assert.equal(await digests.nextDue(), undefined)
    assert.deepEqual(
      (await deliveries.ofUser('ann', 10)).map(({ id }) => id),
      ['mail/ann/0'],
    )
    await other.digests.note({ conversationId: 'tea', userIds: ['ann'] }, { ...PACE, dueAt: NOW + 2_000 }, NOW)
    assert.equal(await digests.nextDue(), NOW + 61_000)
    const [next] = (await digests.claim({ now: NOW + 61_000, ...LEASE })) as [DigestClaim]
    assert.equal(next.round, 1)
    const nothing = { ...planned(next), dropped: { reason: 'read' } }
    assert.equal(await digests.settle(next, nothing, undefined, PACE), true)
    await digests.note({ conversationId: 'tea', userIds: ['ann'] }, { ...PACE, dueAt: NOW + 200_000 }, NOW)
    assert.equal(await digests.nextDue(), NOW + 200_000, 'what was no mail counts for nothing')
  })

  test(`${name}: what is noted while someone has it waits on, in an old conversation and in a new one`, async (t) => {
    const [{ digests }, other] = await two(t, 2)
    for (const conversationId of ['tea', 'cake']) await digests.note({ conversationId, userIds: ['ann'] }, PACE, NOW)
    const [claim] = (await digests.claim({ now: NOW + 1_000, ...LEASE })) as [DigestClaim]
    await other.digests.note({ conversationId: 'tea', userIds: ['ann'] }, PACE, NOW)
    await other.digests.note({ conversationId: 'jam', userIds: ['ann'] }, PACE, NOW)
    assert.equal(await digests.settle(claim, planned(claim), NOW + 1_000, { ...PACE, dueAt: NOW + 3_000 }), true)
    assert.equal(await digests.nextDue(), NOW + 61_000)
    const [next] = (await digests.claim({ now: NOW + 61_000, ...LEASE })) as [DigestClaim]
    assert.deepEqual(next.conversationIds, ['tea', 'jam'])
  })

  test(`${name}: whoever was frozen past the lease settles nothing, and puts nothing off`, async (t) => {
    const [{ digests, deliveries }, other] = await two(t, 2)
    await digests.note({ conversationId: 'tea', userIds: ['ann'] }, PACE, NOW)
    const [frozen] = (await digests.claim({ now: NOW + 1_000, ...LEASE })) as [DigestClaim]
    const [claim] = (await other.digests.claim({ now: NOW + 20_000, ...LEASE })) as [DigestClaim]
    await digests.postpone(frozen, NOW + 900_000, true)
    assert.equal(await digests.settle(frozen, planned(frozen), NOW, PACE), false)
    assert.deepEqual(await deliveries.ofUser('ann', 10), [])
    await other.digests.postpone(claim, NOW + 40_000, true)
    assert.equal(await digests.nextDue(), NOW + 40_000)
    const [third] = (await digests.claim({ now: NOW + 40_000, ...LEASE })) as [DigestClaim]
    assert.deepEqual([third.epoch, third.round, third.conversationIds], [3, 0, ['tea']])
  })

  test(`${name}: only what failed counts as a failure, up to what is settled or put off for another reason`, async (t) => {
    const [{ digests }, other] = await two(t, 2)
    await digests.note({ conversationId: 'tea', userIds: ['ann'] }, PACE, NOW)
    let now = NOW + 1_000
    const claim = async () => (await other.digests.claim({ now, ...LEASE }))[0]!
    const failures: number[] = []
    for (const failed of [undefined, true, undefined, true, false, true]) {
      const claimed = await claim()
      failures.push(claimed.failures)
      if (failed !== undefined) await digests.postpone(claimed, now, failed)
      else now += LEASE.leaseMs
    }
    assert.deepEqual(failures, [0, 0, 1, 1, 2, 0], 'a claim that was lost is none')
    const last = await claim()
    assert.equal(last.failures, 1)
    assert.ok(await digests.settle(last, planned(last), undefined, PACE))
    await digests.note({ conversationId: 'tea', userIds: ['ann'] }, { ...PACE, dueAt: now }, now)
    assert.equal((await claim()).failures, 0)
  })

  test(`${name}: of very many conversations so many are kept, and that there are more; also where all come at once`, async (t) => {
    const [{ digests: here }, { digests: there }] = await two(t, 2)
    await Promise.all(
      Array.from({ length: DIGEST_CONVERSATIONS + 10 }, (_, i) =>
        (i % 2 ? here : there).note({ conversationId: `c${i}`, userIds: ['ann', 'ben'] }, PACE, NOW),
      ),
    )
    for (const { conversationIds, more } of await here.claim({ now: NOW + 1_000, ...LEASE })) {
      assert.equal(new Set(conversationIds).size, DIGEST_CONVERSATIONS)
      assert.equal(more, true)
    }
  })

  test(`${name}: of whoever is gone nothing waits, and what is long over is forgotten`, async (t) => {
    const [{ digests }] = await two(t, 2)
    await digests.note({ conversationId: 'tea', userIds: ['ann', 'ben', 'cem'] }, PACE, NOW)
    await digests.forget('ann')
    const claims = await digests.claim({ now: NOW + 1_000, ...LEASE })
    assert.deepEqual(claims.map(({ userId }) => userId).sort(), ['ben', 'cem'])
    const ben = claims.find(({ userId }) => userId === 'ben')!
    await digests.settle(ben, planned(ben), NOW, PACE)
    assert.equal(await digests.purge(NOW, 10), 0)
    assert.equal(await digests.purge(NOW + 1, 10), 1, 'who waits is not forgotten')
  })
}
