import type { Log } from '@parley/kit/log'
import type { PresenceItem } from '@parley/protocol/socket'
import type { Fanout } from '../fanout/fanout.ts'
import { type Latest, openLatest } from '../latest.ts'
import type { Discretion } from '../people/discretion.ts'
import type { Friends } from '../people/friends.ts'
import type { Connection, Connections } from '../socket/connections.ts'
import type { PresenceStore } from '../store/store.ts'
import { openLeases } from './leases.ts'
import type { Sight } from './sight.ts'
import type { Watchers } from './watchers.ts'

/** Who is here, by one lease per device (I21): two tabs, one closed, is still online. */
export interface Presence extends AsyncDisposable {
  came(connection: Connection): void
  went(connection: Connection): void
  /** Whether the device is in use; it is until it says otherwise. */
  use(connection: Connection, active: boolean): void
  /**
   * Replaces whom the device watches, and says how they are. Others than those it shares a conversation with are left out.
   * One at a time for each device: of those that wait the latest goes on, and the others are refused with `rate.limited`.
   */
  subscribe(connection: Connection, userIds: readonly string[]): Promise<{ items: PresenceItem[] }>
}

/** Changes within this time are told once, as they are at its end. */
const COALESCE_MS = 250

/** Opens the presence of this node's devices, each shown what it may see (`Sight`). */
export function openPresence(deps: {
  store: PresenceStore
  watchers: Watchers
  sight: Sight
  connections: Pick<Connections, 'of'>
  discretion: Pick<Discretion, 'of' | 'onChange'>
  friends: Pick<Friends, 'onChange'>
  fanout: Pick<Fanout, 'toWatchers'>
  log: Log
}): Presence {
  const { store, watchers, sight, connections, discretion, friends, fanout, log } = deps
  const leases = openLeases({ store, changed: noteChange, log })
  const subscribing = new WeakMap<Connection, Latest>()
  const changed = new Set<string>()
  /** Users of whom this node is to show again what there is to see: of whom others see something else, or who do of others. */
  const again = new Set<string>()
  let telling: NodeJS.Timeout | undefined

  function noteChange(userId: string): void {
    changed.add(userId)
    soon()
  }

  function showAgain(userId: string): void {
    if (!watchers.has(userId) && connections.of(userId).size === 0) return
    again.add(userId)
    soon()
  }

  function soon(): void {
    telling ??= setTimeout(() => {
      telling = undefined
      const [news, shown] = [[...changed], [...again]]
      changed.clear()
      again.clear()
      tellAll(news, shown).catch((error) => log.warn({ err: error }, 'presence was not told'))
    }, COALESCE_MS)
  }

  async function tellAll(news: string[], shown: string[]): Promise<void> {
    for (const item of await store.read(news)) fanout.toWatchers(item)
    for (const userId of shown) await showOf(userId)
  }

  /** To whoever watches that user, and to that user of whom they watch. */
  async function showOf(userId: string): Promise<void> {
    if (watchers.has(userId)) for (const item of await store.read([userId])) sight.show(item)
    const watched = [...connections.of(userId)].flatMap((connection) => [...connection.watched.keys()])
    for (const item of watched.length > 0 ? await store.read([...new Set(watched)]) : []) sight.show(item, userId)
  }

  const changes = discretion.onChange(showAgain)
  const ties = friends.onChange((one, other) => {
    // Only these two may see something else of each other.
    if (discretion.of(one).lastSeen === 'friends') showAgain(one)
    if (discretion.of(other).lastSeen === 'friends') showAgain(other)
  })

  return {
    came: ({ id, actor }) => leases.came(id, actor.userId),
    went(connection) {
      watchers.forget(connection)
      leases.went(connection.id)
    },
    use: ({ id }, active) => leases.use(id, active),
    subscribe(connection, userIds) {
      const latest = subscribing.get(connection) ?? openLatest()
      subscribing.set(connection, latest)
      return latest(async () => {
        const allowed = await watchers.watch(connection, userIds)
        const items = allowed.length > 0 ? await store.read(allowed) : []
        return { items: await Promise.all(items.map((item) => sight.of(connection.actor.userId, item))) }
      })
    },
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]()
      ties[Symbol.dispose]()
      await leases[Symbol.asyncDispose]()
      clearTimeout(telling)
      await tellAll([...changed], []).catch(() => undefined)
    },
  }
}
