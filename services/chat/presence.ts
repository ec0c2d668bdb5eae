import type { Log } from '@parley/kit/log'
import type { PresenceItem } from '@parley/protocol/socket'
import type { Connection } from './connections.ts'
import type { Fanout } from './fanout.ts'
import { type Latest, openLatest } from './latest.ts'
import { openLeases } from './leases.ts'
import type { PresenceStore } from './store/store.ts'
import type { Watchers } from './watchers.ts'
import { packetOf } from './writer.ts'

/** Who is here, by one lease per device (I21): two tabs, one closed, is still online. */
export interface Presence extends AsyncDisposable {
  came(connection: Connection): void
  went(connection: Connection): void
  /**
   * Replaces whom the device watches, and says how they are. Others than those it shares a conversation with are left out.
   * One at a time for each device: of those that wait the latest goes on, and the others are refused with `rate.limited`.
   */
  subscribe(connection: Connection, userIds: readonly string[]): Promise<{ items: PresenceItem[] }>
}

/** Changes within this time are told once, as they are at its end. */
const COALESCE_MS = 250

/** Opens the presence of this node's devices. */
export function openPresence(deps: { store: PresenceStore; watchers: Watchers; fanout: Fanout; log: Log }): Presence {
  const { store, watchers, fanout, log } = deps
  const leases = openLeases({ store, changed: noteChange, log })
  const subscribing = new WeakMap<Connection, Latest>()
  const changed = new Set<string>()
  let telling: NodeJS.Timeout | undefined

  function noteChange(userId: string): void {
    changed.add(userId)
    telling ??= setTimeout(() => {
      telling = undefined
      const userIds = [...changed]
      changed.clear()
      tell(userIds).catch((error) => log.warn({ err: error }, 'presence was not told'))
    }, COALESCE_MS)
  }

  async function tell(userIds: string[]): Promise<void> {
    for (const item of await store.read(userIds)) fanout.toWatchers(item.userId, packetOf('presence.changed', item))
  }

  return {
    came: ({ id, actor }) => leases.came(id, actor.userId),
    went(connection) {
      watchers.forget(connection)
      leases.went(connection.id)
    },
    subscribe(connection, userIds) {
      const latest = subscribing.get(connection) ?? openLatest()
      subscribing.set(connection, latest)
      return latest(async () => {
        const allowed = await watchers.watch(connection, userIds)
        return { items: allowed.length > 0 ? await store.read(allowed) : [] }
      })
    },
    async [Symbol.asyncDispose]() {
      await leases[Symbol.asyncDispose]()
      clearTimeout(telling)
      await tell([...changed]).catch(() => undefined)
    },
  }
}
