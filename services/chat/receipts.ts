import { Fault } from '@parley/kit/fault'
import type { Marks } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { Fanout } from './fanout.ts'
import { cachedFor, seenBy } from './membership.ts'
import type { ChatStore } from './store/store.ts'

/** A member's own marks in a conversation (P5). */
export interface Receipts {
  /** Raises them, and tells those who see them once they are stored. `not_found` for who is no member. */
  raise(
    userId: string,
    mark: { conversationId: string; deliveredSeq?: number | undefined; readSeq?: number | undefined },
    socketId?: string,
  ): Promise<{ deliveredSeq: number; readSeq: number }>
}

/** In groups above `limits.marksMembers` only one's own devices hear of a mark. */
export function openReceipts(store: Pick<ChatStore, 'log' | 'marks'>, fanout: Fanout, limits: Limits): Receipts {
  return {
    async raise(userId, { conversationId, deliveredSeq, readSeq }, socketId) {
      if (deliveredSeq === undefined && readSeq === undefined)
        throw new Fault('validation.failed', 'Give deliveredSeq, readSeq or both')
      const known = await cachedFor(store.log, userId, conversationId)
      // Above the head that is known here the reply would tell of a newer one, which only a member of now may hear of.
      const newer = Math.max(deliveredSeq ?? 0, readSeq ?? 0) > known.conversation.headSeq
      const { conversation } = newer ? await seenBy(store.log, userId, conversationId) : known
      const { changed, ...marks }: Marks & { changed: boolean } = await store.marks.raise({
        conversationId,
        userId,
        ...(deliveredSeq !== undefined && { deliveredSeq }),
        ...(readSeq !== undefined && { readSeq }),
      })
      const reply = { deliveredSeq: marks.deliveredSeq, readSeq: marks.readSeq }
      if (changed) {
        const audience = {
          conversationId,
          membersRev: conversation.membersRev,
          ...(conversation.members.size > limits.marksMembers && { only: [userId] }),
        }
        void fanout.event('receipt.updated', { conversationId, userId, ...reply }, audience, socketId)
      }
      return reply
    },
  }
}
