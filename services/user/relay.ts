import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '@parley/kit/bus/bus'
import { isDefect } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import type { Account, AccountStore } from './store/store.ts'

/** Tells the bus of all that waits in the outboxes, at least once, whatever crashes: the store keeps what was not told yet. */
export interface Relay extends AsyncDisposable {
  /** Something was stored that is to be told: look at once. */
  wake(): void
}

/** Events that the store keeps until the bus has confirmed them. */
export interface Outbox {
  /** Some of those that wait, at most `limit`. */
  waiting(limit: number): Promise<BusEvent[]>
  /** The bus has confirmed these. */
  told(events: readonly BusEvent[]): Promise<void>
}

const AT_ONCE = 100
/** What another process stored and did not announce is found within this time. */
const LOOK_EVERY_MS = 5_000
const RETRY_MS = { first: 100, most: 5_000 }

/** Starts with what an earlier run left, then waits to be woken. Tries for ever, with growing pauses. */
export function startRelay({ outboxes, bus, log }: { outboxes: readonly Outbox[]; bus: Bus; log: Log }): Relay {
  // Each by itself: what the bus does not take of one holds up no other.
  const relays = outboxes.map((outbox) => relayOne({ outbox, bus, log }))
  return {
    wake() {
      for (const relay of relays) relay.wake()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(relays.map((relay) => relay[Symbol.asyncDispose]()))
    },
  }
}

function relayOne({ outbox, bus, log }: { outbox: Outbox; bus: Bus; log: Log }): Relay {
  const stopped = new AbortController()
  let rouse = (): void => {}
  let woken = false
  const running = run()

  async function run(): Promise<void> {
    let failures = 0
    while (!stopped.signal.aborted) {
      woken = false
      try {
        const told = await tell()
        failures = 0
        if (told < AT_ONCE) await pause(LOOK_EVERY_MS)
      } catch (error) {
        failures++
        // The store and the bus may be away; any other error is a defect, and would be met again for ever.
        if (isDefect(error)) log.error({ failures, err: error }, 'events cannot be told')
        else log.debug({ failures, cause: (error as Error).message }, 'events not told yet')
        const most = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** failures)
        await delay(most * (0.5 + Math.random() / 2), undefined, { signal: stopped.signal }).catch(() => {})
      }
    }
  }

  /** Publishes one batch and marks what the bus confirmed. Throws when it did not confirm all. */
  async function tell(): Promise<number> {
    const batch = await outbox.waiting(AT_ONCE)
    const outcomes = await Promise.allSettled(batch.map((event) => bus.publish(event)))
    await outbox.told(batch.filter((_, i) => outcomes[i]!.status === 'fulfilled'))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return batch.length
  }

  /** Until woken, stopped, or the time is over. */
  async function pause(ms: number): Promise<void> {
    if (woken || stopped.signal.aborted) return
    const end = new AbortController()
    rouse = () => end.abort()
    await delay(ms, undefined, { signal: end.signal }).catch(() => {})
  }

  return {
    wake() {
      woken = true
      rouse()
    },
    async [Symbol.asyncDispose]() {
      stopped.abort()
      rouse()
      await running
    },
  }
}

/** Every account, once it is registered. */
export const accountOutbox = (users: AccountStore): Outbox => ({
  waiting: async (limit) => (await users.unannounced(limit)).map(registered),
  told: (events) => users.announced(events.map(({ id }) => id)),
})

/** The id is the account's: every copy of the event has the same. */
const registered = (account: Account): BusEvent => ({
  id: account.id,
  type: 'user.registered',
  version: 1,
  occurredAt: account.createdAt,
  key: account.id,
  rev: 1,
  data: { id: account.id, username: account.username },
})
