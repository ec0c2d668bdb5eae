import type { MessageEntry } from '@parley/protocol/conversation'
import type { Items } from './items.ts'
import { type Seen, seenBy } from './membership/membership.ts'
import { hiddenAmong } from './own.ts'
import type { ChatStore } from './store/store.ts'

/** What is pinned, as a member sees it. `amendments.ts` pins. */
export interface Pins {
  /** As the messages are now, the latest pinned last, without those that were deleted, also for oneself; `not_found` for who is no member. */
  list(userId: string, conversationId: string): Promise<(MessageEntry & { sender: string })[]>
}

export function openPins(store: Pick<ChatStore, 'log' | 'own'>, items: Pick<Items, 'named'>): Pins {
  const { log } = store
  return {
    async list(userId, conversationId) {
      const seqs = pinnedFor(await seenBy(log, userId, conversationId))
      const [messages, hidden] = await Promise.all([
        log.pickMessages(conversationId, seqs),
        hiddenAmong(store, userId, conversationId, seqs),
      ])
      const found = new Map(messages.map((message) => [message.seq, message]))
      const shown = seqs.filter((seq) => !hidden.has(seq))
      return items.named(shown.flatMap((seq) => found.get(seq) ?? []).filter(({ deleted }) => !deleted))
    },
  }
}

/** Those that the member may see (P6). */
export const pinnedFor = ({ conversation, me }: Seen): number[] =>
  conversation.pinned.filter((seq) => seq >= me.fromSeq)
