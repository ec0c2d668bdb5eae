import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { openRate } from '@parley/kit/rate'
import { directId } from '../direct.ts'
import type { Blocks } from '../people/blocks.ts'
import type { Friends } from '../people/friends.ts'
import type { Connection } from '../socket/connections.ts'
import { openGate } from '../socket/gate.ts'
import { packetOf } from '../socket/writer.ts'
import type { ChatStore } from '../store/store.ts'

/**
 * Which devices of this node watch which users. One may watch only those one shares a conversation with, or is friends with (P6),
 * and neither blocks nor is blocked by.
 */
export interface Watchers {
  /**
   * Replaces what the device watches; gives those it may. For one device not to be called again before it has resolved. Costs
   * reads only for users whom the device did not watch before; `rate.limited` and `unavailable` when there is too much of that.
   */
  watch(connection: Connection, userIds: readonly string[]): Promise<string[]>
  /** The device has gone. */
  forget(connection: Connection): void
  /**
   * Hands each device that watches that user, and still may, to `use`, now or soon; `by`: only the devices of that watcher.
   * What `use` rejects with is lost.
   */
  each(userId: string, use: (connection: Connection) => void | Promise<void>, by?: string): void
  /** Does any device here watch that user? */
  has(userId: string): boolean
  /** One of the two has blocked the other: the devices of each that show the other as present are told otherwise. */
  part(a: string, b: string): void
}

/** In the place of the conversation that both are in: they are friends. */
const FRIENDSHIP = 'friendship'

const nobody: ReadonlyMap<string, string> = new Map()

/** A user in more conversations than this may miss the presence of someone met only in the rest. */
const CONVERSATIONS_SEARCHED = 1_000
/** Devices of a node that are searched for at once; twenty times as many wait. */
const SEARCHES_AT_ONCE = 8
/** Searches of one device: sustained per second, and the burst allowed above it. */
const SEARCHES_PER_SECOND = 2
const SEARCH_BURST = 10
/** Conversations looked at before others get their turn. */
const LOOKED_AT_IN_A_TURN = 32

export function openWatchers(
  store: Pick<ChatStore, 'log' | 'inbox'>,
  blocks: Pick<Blocks, 'between'>,
  friends: Pick<Friends, 'of'>,
): Watchers {
  const { log, inbox } = store
  const byUser = new Map<string, Set<Connection>>()
  const gone = new WeakSet<Connection>()
  const searching = openGate(SEARCHES_AT_ONCE)
  const searches = openRate(SEARCHES_PER_SECOND, SEARCH_BURST)

  function unwatch(connection: Connection): void {
    for (const userId of connection.watched.keys()) {
      const watching = byUser.get(userId)
      watching?.delete(connection)
      if (watching?.size === 0) byUser.delete(userId)
    }
    connection.watched = nobody
  }

  async function share(conversationId: string, a: string, b: string): Promise<boolean> {
    if (conversationId === FRIENDSHIP) return (await friends.of(a, [b])).has(b)
    const conversation = await log.cachedConversation(conversationId)
    return (
      conversation !== undefined &&
      // An empty direct conversation is hidden.
      (conversation.kind === 'group' || conversation.headSeq > 0) &&
      conversation.members.has(a) &&
      conversation.members.has(b)
    )
  }

  /** For each of these users whom the device's user shares a conversation with, one such conversation: where it was known, the same. */
  async function shared(connection: Connection, others: ReadonlySet<string>): Promise<Map<string, string>> {
    const { userId } = connection.actor
    const found = new Map<string, string>()
    for (const other of others) {
      const via = connection.watched.get(other)
      if (via !== undefined && (await share(via, userId, other))) found.set(other, via)
    }
    if (found.size === others.size) return found
    const retryAfterMs = searches.take(connection.id)
    if (retryAfterMs > 0) throw new Fault('rate.limited', 'You are asking too often: wait a moment', { retryAfterMs })
    const left = [...others].filter((other) => !found.has(other))
    await searching(() => search(connection, new Set(left), found))
    return found
  }

  /** Goes by the list of the user's conversations, so that strangers cost no read each. Moves from `left` to `found`. */
  async function search(connection: Connection, left: Set<string>, found: Map<string, string>): Promise<void> {
    const { userId } = connection.actor
    const ids = new Set(await inbox.conversationIds(userId, CONVERSATIONS_SEARCHED))
    const whole = ids.size < CONVERSATIONS_SEARCHED
    let looked = 0
    const rest = async (): Promise<void> => {
      if (++looked % LOOKED_AT_IN_A_TURN === 0) await nextTurn()
    }
    for (const other of left) {
      const direct = directId(userId, other)
      if (!ids.delete(direct) && whole) continue
      await rest()
      if (!(await share(direct, userId, other))) continue
      found.set(other, direct)
      left.delete(other)
    }
    for (const conversationId of ids) {
      if (left.size === 0 || gone.has(connection)) return
      await rest()
      const conversation = await log.cachedConversation(conversationId)
      if (conversation?.kind !== 'group' || !conversation.members.has(userId)) continue
      for (const other of left) {
        if (!conversation.members.has(other)) continue
        found.set(other, conversationId)
        left.delete(other)
      }
    }
    if (left.size === 0 || gone.has(connection)) return
    for (const other of await friends.of(userId, [...left])) found.set(other, FRIENDSHIP)
  }

  return {
    async watch(connection, userIds) {
      const others = userIds.filter((other) => !blocks.between(connection.actor.userId, other))
      const allowed = await shared(connection, new Set(others))
      unwatch(connection)
      if (gone.has(connection) || connection.writer.closed) return []
      connection.watched = allowed
      for (const userId of allowed.keys()) {
        const watching = byUser.get(userId)
        if (watching) watching.add(connection)
        else byUser.set(userId, new Set([connection]))
      }
      return [...allowed.keys()]
    },
    forget(connection) {
      gone.add(connection)
      unwatch(connection)
    },
    part(a, b) {
      for (const [watched, by] of [
        [a, b],
        [b, a],
      ] as const) {
        const gone = packetOf('presence.changed', { userId: watched, online: false })
        for (const { actor, writer } of byUser.get(watched) ?? []) if (actor.userId === by) writer.sendEphemeral(gone)
      }
    },
    each(userId, use, by) {
      for (const connection of byUser.get(userId) ?? []) {
        const watcher = connection.actor.userId
        const via = connection.watched.get(userId)
        if (via === undefined || (by !== undefined && by !== watcher) || blocks.between(watcher, userId)) continue
        share(via, watcher, userId)
          .then((still) => (still ? use(connection) : undefined))
          .catch(() => undefined) // Presence may be lost.
      }
    },
    has: (userId) => byUser.has(userId),
  }
}
