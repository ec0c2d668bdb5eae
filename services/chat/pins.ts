import type { MessageEntry } from '@parley/protocol/conversation'
import type { Items } from './items.ts'
import { type Seen, seenBy } from './membership/membership.ts'
import type { LogStore } from './store/store.ts'

/** What is pinned, as a member sees it. `amendments.ts` pins. */
export interface Pins {
  /** As the messages are now, the latest pinned last, without those that were deleted; `not_found` for who is no member. */
  list(userId: string, conversationId: string): Promise<(MessageEntry & { sender: string })[]>
}

export function openPins(log: Pick<LogStore, 'findConversation' | 'pickMessages'>, items: Pick<Items, 'named'>): Pins {
  return {
    async list(userId, conversationId) {
      const seqs = pinnedFor(await seenBy(log, userId, conversationId))
      const found = new Map((await log.pickMessages(conversationId, seqs)).map((message) => [message.seq, message]))
      return items.named(seqs.flatMap((seq) => found.get(seq) ?? []).filter(({ deleted }) => !deleted))
    },
  }
}

/** Those that the member may see (P6). */
export const pinnedFor = ({ conversation, me }: Seen): number[] =>
  conversation.pinned.filter((seq) => seq >= me.fromSeq)
