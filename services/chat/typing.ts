import type { Connection } from './connections.ts'
import type { Fanout } from './fanout.ts'
import { seenBy } from './membership.ts'
import type { LogStore } from './store/store.ts'

/** Who is typing, told to the other members; nothing of it is kept. */
export interface Typing {
  /** `not_found` for who is no member. */
  start(connection: Connection, conversationId: string): Promise<void>
  stop(connection: Connection, conversationId: string): Promise<void>
  /** The device is gone: it types no more. */
  went(connection: Connection): void
}

/** Told again at most this often, whatever a client sends: one event becomes as many as there are members. */
const REPEAT_AFTER_MS = 2_000
/** More than anyone types in at once. */
const MAX_AT_ONCE = 8

export function openTyping(log: LogStore, fanout: Fanout): Typing {
  async function tell(event: 'typing.start' | 'typing.stop', userId: string, conversationId: string): Promise<void> {
    const { conversation } = await seenBy(log, userId, conversationId)
    const audience = { conversationId, membersRev: conversation.membersRev, exceptUser: userId, ephemeral: true }
    void fanout.event(event, { conversationId, userId }, audience)
  }

  return {
    async start({ actor, typing }, conversationId) {
      const toldAt = typing.get(conversationId) ?? Number.NEGATIVE_INFINITY
      if (performance.now() - toldAt < REPEAT_AFTER_MS || (typing.size >= MAX_AT_ONCE && !typing.has(conversationId)))
        return void (await seenBy(log, actor.userId, conversationId))
      typing.set(conversationId, performance.now())
      await tell('typing.start', actor.userId, conversationId).catch((error) => {
        typing.delete(conversationId)
        throw error
      })
    },
    async stop({ actor, typing }, conversationId) {
      if (typing.delete(conversationId)) await tell('typing.stop', actor.userId, conversationId)
      else await seenBy(log, actor.userId, conversationId)
    },
    went({ actor, typing }) {
      for (const conversationId of typing.keys())
        tell('typing.stop', actor.userId, conversationId).catch(() => undefined) // Ephemeral: clients forget it by themselves.
      typing.clear()
    },
  }
}
