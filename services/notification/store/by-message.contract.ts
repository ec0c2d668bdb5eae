import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { FURTHER, type NewDelivery, type Outcome } from './deliveries.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')
/** More than any list of the ledger tells. */
const MANY = 3_000

/** The part of the contract that is about what the ledger tells of one message, however much was told since. */
export function byMessageContract(name: string, several: Several): void {
  const one = async (...[t]: Parameters<Several>) => (await several(t, 1))[0] as NotificationStore

  test(`${name}: the mail about a message is found thousands of rows later, and by its user alone`, async (t) => {
    const { deliveries } = await one(t, 1)
    const mail = digest({ covers: ['tea', 'cake'], plannedAt: NOW })
    await deliveries.plan([digest({ covers: ['jam'], plannedAt: NOW - 1 }), mail])
    for (let from = 0; from < MANY; from += 500)
      await deliveries.plan(
        Array.from({ length: 500 }, (_, n) => digest({ covers: [`c${n % 50}`], plannedAt: NOW + from + n })),
      )
    const found = async (...ask: Parameters<typeof deliveries.covering>) => (await deliveries.covering(...ask))?.id
    assert.deepEqual(await deliveries.covering('ann', 'tea', NOW - 5), {
      ...{ id: mail.id, channel: 'mail', userId: 'ann', state: 'dropped', reason: 'read', epoch: 0 },
      ...{ plannedAt: NOW, settledAt: NOW },
    })
    assert.equal(await found('ann', 'cake', NOW), mail.id)
    assert.equal(await found('ann', 'tea', NOW + 1), undefined, 'a mail from before tells of nothing that came later')
    assert.equal(await found('ben', 'tea', NOW - 5), undefined)
    assert.equal(await found('ann', 'milk', NOW - 5), undefined)
  })

  test(`${name}: a mail that said that there is more covers what it did not name`, async (t) => {
    const { deliveries } = await one(t, 1)
    const [first, more, last] = [
      digest({ covers: ['tea'], plannedAt: NOW }),
      digest({ covers: ['cake', FURTHER], plannedAt: NOW + 1 }),
      digest({ covers: ['tea', 'jam'], plannedAt: NOW + 2 }),
    ]
    await deliveries.plan([first, more, last])
    const found = async (conversationId: string, since: number) =>
      (await deliveries.covering('ann', conversationId, since))?.id
    assert.equal(await found('tea', NOW), first.id)
    assert.equal(await found('tea', NOW + 1), more.id)
    assert.equal(await found('jam', NOW), more.id)
    assert.equal(await found('tea', NOW + 2), last.id)
    assert.equal(await found('milk', NOW + 2), undefined)
  })

  test(`${name}: a mail that is there covers what it did, is told as it is, and goes with who is forgotten or with its time`, async (t) => {
    const { deliveries } = await one(t, 1)
    const { dropped: _, ...mail } = digest({ covers: ['tea'], plannedAt: NOW })
    await deliveries.plan([mail])
    await deliveries.plan([{ ...mail, covers: ['cake'], plannedAt: NOW + 9 }])
    assert.equal(await deliveries.covering('ann', 'cake', NOW), undefined)
    const state = async () => (await deliveries.covering('ann', 'tea', NOW))?.state
    assert.equal(await state(), 'planned')
    await deliveries.claim({ channel: 'mail', owner: 'me', now: NOW, leaseMs: 1_000, limit: 10 })
    await deliveries.settle(mail.id, 1, { kind: 'sent' }, NOW)
    assert.equal(await state(), 'sent')
    const of = (userId: string) => digest({ userId, covers: ['tea', FURTHER], plannedAt: NOW })
    await deliveries.plan([of('ben'), of('cem')])
    await deliveries.forget('ben', NOW)
    assert.equal(await deliveries.covering('ben', 'tea', NOW), undefined)
    assert.notEqual(await deliveries.covering('cem', 'tea', NOW), undefined)
    assert.equal(await deliveries.purge(NOW + 1, 10), 3)
    assert.equal(await state(), undefined)
    await deliveries.plan([{ ...mail, covers: ['cake'] }])
    assert.equal(await state(), undefined, 'nothing of what went is left')
  })

  test(`${name}: a mail is told with what it said of the conversation that is asked for, and of no other`, async (t) => {
    const { deliveries } = await one(t, 1)
    const [tea, cake] = [
      { conversationId: 'tea', fromSeq: 7 },
      { conversationId: 'cake', reason: 'muted' },
    ] as const
    const covers = ['tea', 'cake', 'jam', FURTHER]
    const over = digest({ covers, plannedAt: NOW, found: [{ conversationId: 'tea', reason: 'read' }, cake] })
    const { dropped: _, ...mail } = digest({ covers, plannedAt: NOW + 1 })
    await deliveries.plan([over, mail])
    const found = async (conversationId: string, since: number) => {
      const told = await deliveries.covering('ann', conversationId, since)
      assert.equal(told?.id, since === NOW ? over.id : mail.id)
      return told?.found
    }
    assert.deepEqual(await found('tea', NOW), { conversationId: 'tea', reason: 'read' })
    assert.deepEqual(await found('cake', NOW), cake)
    assert.equal(await found('jam', NOW), undefined)
    assert.equal(await found('milk', NOW), undefined, 'of what is not named nothing is known')
    assert.equal(await found('tea', NOW + 1), undefined)
    const claim = (now: number) => deliveries.claim({ channel: 'mail', owner: 'me', now, leaseMs: 1_000, limit: 10 })
    await claim(NOW + 1)
    await claim(NOW + 2_000)
    const outcome = { kind: 'sent' as const, found: [tea, cake] }
    assert.equal(await deliveries.settle(mail.id, 1, { ...outcome, found: [cake] }, NOW), false)
    assert.equal(await found('tea', NOW + 1), undefined, 'who was frozen says nothing')
    assert.equal(await deliveries.settle(mail.id, 2, outcome, NOW), true)
    assert.deepEqual(await found('tea', NOW + 1), tea)
    assert.deepEqual(await found('cake', NOW + 1), cake)
    assert.equal('found' in (await deliveries.ofUser('ann', 1))[0]!, false)
  })

  test(`${name}: a push is overtaken by one that was sent and stands in its place, thousands of rows later too`, async (t) => {
    const { deliveries } = await one(t, 1)
    const outcomes: [NewDelivery, Outcome | undefined][] = [
      [push('tea', 'phone', 9), { kind: 'sent' }],
      [push('tea', 'phone', 12), undefined],
      [push('tea', 'phone', 11), { kind: 'failed', reason: 'push.refused' }],
      [push('tea', 'phone', 100), { kind: 'retry', at: NOW + 99_000, reason: 'push.busy' }],
      [push('tea', 'desk', 200), { kind: 'sent' }],
      [push('cake', 'phone', 300), { kind: 'sent' }],
      [push('tea', 'phone', 400, 'ben'), { kind: 'sent' }],
    ]
    await deliveries.plan(outcomes.map(([planned]) => planned))
    await deliveries.claim({ channel: 'push', owner: 'me', now: NOW, leaseMs: 1_000, limit: 10 })
    for (const [{ id }, outcome] of outcomes) if (outcome) await deliveries.settle(id, 1, outcome, NOW)
    for (let from = 0; from < MANY; from += 500)
      await deliveries.plan(
        Array.from({ length: 500 }, (_, n) => ({ ...push('jam', 'phone', from + n), dropped: { reason: 'read' } })),
      )
    const overtaken = (upTo: number, device = 'phone', userId = 'ann') =>
      deliveries.overtaken(userId, { topic: `tea/${device}`, upTo })
    assert.deepEqual(await Promise.all([1, 8, 9, 10, 11].map((upTo) => overtaken(upTo))), [
      ...[true, true],
      ...[false, false, false],
    ])
    assert.equal(await overtaken(199, 'desk'), true, 'by number, not by letters')
    assert.equal(await overtaken(200, 'desk'), false)
    assert.equal(await overtaken(1, 'phone', 'cem'), false)
    await deliveries.forget('ann', NOW)
    assert.equal(await overtaken(1), false)
    assert.equal(await overtaken(1, 'phone', 'ben'), true)
  })

  test(`${name}: whatever is planned, the first mail that covers a conversation is told`, async (t) => {
    const { deliveries } = await one(t, 1)
    const names = ['tea', 'cake', 'jam'] as const
    const mail = fc.record({
      user: fc.constantFrom('ann', 'ben'),
      covers: fc.uniqueArray(fc.constantFrom(...names, FURTHER), { minLength: 1 }),
      after: fc.nat(20),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(mail, { minLength: 1, maxLength: 12 }), fc.nat(20), async (mails, since) => {
        const run = randomUUID()
        const planned = mails.map(({ user, covers, after }) =>
          digest({ userId: `${user} ${run}`, covers, plannedAt: NOW + after }),
        )
        await deliveries.plan(planned)
        for (const user of ['ann', 'ben'])
          for (const conversationId of names) {
            const times = planned
              .filter(({ userId }) => userId === `${user} ${run}`)
              .filter(({ covers }) => covers!.some((name) => name === conversationId || name === FURTHER))
              .flatMap(({ plannedAt }) => (plannedAt >= NOW + since ? plannedAt : []))
            const first = await deliveries.covering(`${user} ${run}`, conversationId, NOW + since)
            assert.equal(first?.plannedAt, times.length > 0 ? Math.min(...times) : undefined)
          }
      }),
      { numRuns: 15 },
    )
  })
}

/** Of Ann, and of what she had read, without more. */
const digest = (more: Partial<NewDelivery> & { covers: string[]; plannedAt: number }): NewDelivery => ({
  ...{ id: `mail/digest-${randomUUID()}`, channel: 'mail', userId: 'ann', dueAt: more.plannedAt, payload: {} },
  dropped: { reason: 'read' },
  ...more,
})

const push = (conversationId: string, device: string, upTo: number, userId = 'ann'): NewDelivery => ({
  id: `push/${conversationId}/${upTo}/${device}/${userId}`,
  ...{ channel: 'push', userId, about: `${conversationId}/${upTo}`, plannedAt: NOW, dueAt: NOW, payload: {} },
  shown: { topic: `${conversationId}/${device}`, upTo },
})
