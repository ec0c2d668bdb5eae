import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Outcome } from './deliveries.ts'
import type { Place } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const LONG = 20

/** The part of the contract that is about what is left where the store keeps it, for who looks into that and not into the store. */
export function retentionContract(name: string, place: (t: TestContext) => Promise<Place>): void {
  const now = Date.now()

  /** What is written when the store is closed, after a push and a mail of Ann were handed over, and then that was done. */
  async function left(
    t: TestContext,
    { payload = {}, providerId }: { payload?: unknown; providerId?: string },
    then: (store: NotificationStore, ann: string) => Promise<void> = async () => {},
  ) {
    const { open, written } = await place(t)
    const ann = randomUUID()
    {
      await using store = await open()
      const { deliveries } = store
      for (const channel of ['push', 'mail'] as const) {
        const id = `${channel}/${randomUUID()}`
        await deliveries.plan([{ id, channel, userId: ann, plannedAt: now, dueAt: now, payload }])
        const [claim] = await deliveries.claim({ channel, owner: 'me', now, leaseMs: 1_000, limit: 1 })
        const outcome: Outcome = { kind: 'sent', ...(providerId !== undefined && { providerId }) }
        assert.ok(await deliveries.settle(id, claim!.epoch, outcome, now))
      }
      await then(store, ann)
    }
    return { ann, text: await written() }
  }

  test(`${name}: of a link that was sent nothing is left`, async (t) => {
    const secret = 'the-secret-of-a-link'.repeat(LONG)
    const { ann, text } = await left(t, { payload: { link: `https://chat.example.org/#${secret}` } })
    assert.equal(text.includes(secret), false)
    assert.ok(text.includes(ann), 'where it would be')
  })

  test(`${name}: by what a provider calls what was sent it is named until its user is deleted, and then no more`, async (t) => {
    const providerId = `https://push.example.org/m/${'the-device-of-ann'.repeat(LONG)}`
    assert.ok((await left(t, { providerId })).text.includes(providerId))
    const other = providerId.replaceAll('ann', 'eve')
    const { ann, text } = await left(t, { providerId: other }, ({ deliveries }, ann) => deliveries.forget(ann, now))
    assert.equal(text.includes(other), false)
    assert.equal(text.includes(ann), false, 'nor is there whose it was')
  })
}
