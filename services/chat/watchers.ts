import type { Connection } from './connections.ts'
import { directId } from './direct.ts'
import type { ChatStore } from './store/store.ts'
import type { Packet } from './writer.ts'

/** Which devices of this node watch which users. One may watch only those one shares a conversation with (P6). */
export interface Watchers {
  /** Replaces what the device watches; gives those it may. */
  watch(connection: Connection, userIds: readonly string[]): Promise<string[]>
  forget(connection: Connection): void
  /** Sends to the devices that watch that user, and still may. */
  tell(userId: string, packet: Packet): void
}

/** A user in more conversations than this may miss the presence of someone met only in the rest. */
const CONVERSATIONS_SEARCHED = 1_000

export function openWatchers(store: Pick<ChatStore, 'log' | 'inbox'>): Watchers {
  const { log, inbox } = store
  const byUser = new Map<string, Set<Connection>>()

  function forget(connection: Connection): void {
    for (const userId of connection.watched.keys()) {
      const watching = byUser.get(userId)
      watching?.delete(connection)
      if (watching?.size === 0) byUser.delete(userId)
    }
    connection.watched = new Map()
  }

  async function share(conversationId: string, a: string, b: string): Promise<boolean> {
    const conversation = await log.cachedConversation(conversationId)
    return (
      conversation !== undefined &&
      // An empty direct conversation is hidden.
      (conversation.kind === 'group' || conversation.headSeq > 0) &&
      conversation.members.has(a) &&
      conversation.members.has(b)
    )
  }

  /** For each of these users whom `userId` shares a conversation with, one such conversation. */
  async function shared(userId: string, others: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const other of others) {
      const direct = directId(userId, other)
      if (await share(direct, userId, other)) found.set(other, direct)
    }
    const left = new Set(others.filter((other) => !found.has(other)))
    if (left.size === 0) return found
    for (const conversationId of await inbox.conversationIds(userId, CONVERSATIONS_SEARCHED)) {
      const conversation = await log.cachedConversation(conversationId)
      if (conversation?.kind !== 'group' || !conversation.members.has(userId)) continue
      for (const other of left) {
        if (!conversation.members.has(other)) continue
        found.set(other, conversationId)
        left.delete(other)
      }
      if (left.size === 0) break
    }
    return found
  }

  return {
    async watch(connection, userIds) {
      const allowed = await shared(connection.actor.userId, userIds)
      forget(connection)
      if (connection.writer.closed) return []
      connection.watched = allowed
      for (const userId of allowed.keys()) {
        const watching = byUser.get(userId)
        if (watching) watching.add(connection)
        else byUser.set(userId, new Set([connection]))
      }
      return [...allowed.keys()]
    },
    forget,
    tell(userId, packet) {
      for (const connection of byUser.get(userId) ?? []) {
        const via = connection.watched.get(userId)
        if (via === undefined) continue
        share(via, connection.actor.userId, userId).then(
          (still) => still && connection.writer.sendEphemeral(packet),
          () => undefined, // Presence may be lost.
        )
      }
    },
  }
}
