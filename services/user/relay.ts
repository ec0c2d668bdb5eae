import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import type { Account, AccountStore } from './store/store.ts'

/** Tells the bus of every account, at least once, whatever crashes: the store keeps which are not announced yet. */
export interface Relay extends AsyncDisposable {
  /** An account was stored: look at once. */
  wake(): void
}

const AT_ONCE = 100
/** What another process stored and did not announce is found within this time. */
const LOOK_EVERY_MS = 5_000
const RETRY_MS = { first: 100, most: 5_000 }

/** Starts with what an earlier run left, then waits to be woken. Tries for ever, with growing pauses. */
export function startRelay({ users, bus, log }: { users: AccountStore; bus: Bus; log: Log }): Relay {
  const stopped = new AbortController()
  let rouse = (): void => {}
  let woken = false
  const running = run()

  async function run(): Promise<void> {
    let failures = 0
    while (!stopped.signal.aborted) {
      woken = false
      try {
        const announced = await announce()
        failures = 0
        if (announced < AT_ONCE) await pause(LOOK_EVERY_MS)
      } catch (error) {
        failures++
        log.debug({ failures, cause: (error as Error).message }, 'accounts not announced yet')
        const most = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** failures)
        await delay(most * (0.5 + Math.random() / 2), undefined, { signal: stopped.signal }).catch(() => {})
      }
    }
  }

  /** Publishes one batch and marks what the bus confirmed. Throws when it did not confirm all. */
  async function announce(): Promise<number> {
    const batch = await users.unannounced(AT_ONCE)
    const outcomes = await Promise.allSettled(batch.map((account) => bus.publish(registered(account))))
    await users.announced(batch.filter((_, i) => outcomes[i]!.status === 'fulfilled').map((account) => account.id))
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
