import { LIMITS } from '@parley/protocol/limits'
import type { PresenceItem } from '@parley/protocol/socket'
import { delay, fullJitter } from './backoff.ts'
import type { Link } from './connection.ts'
import { asParleyError } from './error.ts'
import { writable } from './store.ts'
import type { Readable } from './types.ts'

/** Who of the watched users is here, as far as the server told. */
export interface Presence {
  readonly state: Readable<ReadonlyMap<string, PresenceItem>>
  /** Replaces whom this device watches, now and on each new connection. */
  watch(userIds: readonly string[], link: Link | undefined): void
  /** Whether this device is in use, now and on each new connection. */
  use(active: boolean, link: Link | undefined): void
  up(link: Link): void
  heard(item: PresenceItem): void
  clear(): void
}

export function openPresence(told: (item: PresenceItem) => void): Presence {
  const state = writable<ReadonlyMap<string, PresenceItem>>(new Map())
  let watched: readonly string[] = []
  let active = true

  async function subscribe(link: Link): Promise<void> {
    const asked = watched
    await untilTaken(link, async () => {
      if (asked !== watched) return
      const { items } = await link.call<{ items: PresenceItem[] }>('presence.subscribe', { userIds: [...asked] })
      if (asked === watched) for (const item of items) heard(item)
    })
  }

  async function say(link: Link): Promise<void> {
    const said = active
    await untilTaken(link, async () => {
      if (said === active) await link.call('presence.active', { active })
    })
  }

  /** Repeats what may be repeated while the connection is there. */
  async function untilTaken(link: Link, ask: () => Promise<void>): Promise<void> {
    for (let failures = 1; !link.gone.aborted; failures++) {
      try {
        await ask()
        return
      } catch (error) {
        const { retryable, retryAfterMs = 0 } = asParleyError(error).problem
        if (!retryable) return
        await delay(retryAfterMs + fullJitter(failures, { base: 500, cap: 10_000 }), link.gone)
      }
    }
  }

  function heard(item: PresenceItem): void {
    if (!watched.includes(item.userId)) return
    state.set(new Map(state.get()).set(item.userId, item))
    told(item)
  }

  return {
    state,
    watch(userIds, link) {
      watched = [...new Set(userIds)].slice(0, LIMITS.idsPerCall)
      state.set(new Map([...state.get()].filter(([userId]) => watched.includes(userId))))
      if (link) void subscribe(link)
    },
    use(now, link) {
      if (now === active) return
      active = now
      if (link) void say(link)
    },
    up(link) {
      if (watched.length > 0) void subscribe(link)
      // The server takes each new connection for one in use.
      if (!active) void say(link)
    },
    heard,
    clear() {
      watched = []
      state.set(new Map())
    },
  }
}
