import { Fault } from '@parley/kit/fault'
import type { Marks } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { Conversation } from './conversation.ts'
import type { Fanout } from './fanout/fanout.ts'
import { openPace } from './fanout/pace.ts'
import { cachedFor, seenBy } from './membership/membership.ts'
import type { Blocks } from './people/blocks.ts'
import type { LogStore, MarkStore } from './store/store.ts'

/** A member's own marks in a conversation (P5). Closing gives up what was still to be told: sync finds it. */
export interface Receipts extends Disposable {
  /** Raises them, and tells those who see them once they are stored. `not_found` for who is no member. */
  raise(
    userId: string,
    mark: { conversationId: string; deliveredSeq?: number | undefined; readSeq?: number | undefined },
    socketId?: string,
  ): Promise<{ deliveredSeq: number; readSeq: number }>
}

/** What the others are told at most once in. */
const WINDOW_MS = 1_000

/**
 * In a direct conversation the other side hears of a mark at once. In a group each mark goes to as many as there are members:
 * there the first is told at once, and what follows within the second at its end, only the latest of each member. In groups
 * above `limits.marksMembers` only one's own devices hear of a mark; those always do at once. Between two of whom one keeps
 * marks back neither hears of the other's.
 */
export function openReceipts(
  store: { log: Pick<LogStore, 'findConversation' | 'cachedConversation'>; marks: Pick<MarkStore, 'raise'> },
  fanout: Pick<Fanout, 'event'>,
  blocks: Pick<Blocks, 'apart'>,
  limits: Limits,
  windowMs = WINDOW_MS,
): Receipts {
  /** Marks of groups that are to be told; at most one for each member. */
  const gathered = new Map<string, { membersRev: number; marks: Map<string, Raised> }>()
  const pace = openPace(windowMs, tellGathered)

  function tell(conversation: Conversation, userId: string, raised: Raised, exceptSocket: string | undefined): void {
    const { id: conversationId, kind, membersRev, members } = conversation
    const data = { conversationId, userId, ...raised }
    const shows = { what: 'receipts', of: userId } as const
    if (members.size <= 2 && !blocks.apart(conversation)) {
      // Nobody is ever removed from a direct conversation, so what is known of it is true.
      const known = kind === 'direct' ? conversation : undefined
      const audience = { conversationId, membersRev, shows }
      void fanout.event('receipt.updated', data, audience, { conversation: known, exceptSocket })
      return
    }
    void fanout.event('receipt.updated', data, { conversationId, membersRev, only: [userId] }, { exceptSocket })
    if (members.size > limits.marksMembers || blocks.apart(conversation)) return
    const group = gathered.get(conversationId) ?? { membersRev, marks: new Map<string, Raised>() }
    group.membersRev = Math.max(group.membersRev, membersRev)
    const before = group.marks.get(userId)
    group.marks.set(userId, {
      deliveredSeq: Math.max(raised.deliveredSeq, before?.deliveredSeq ?? 0),
      readSeq: Math.max(raised.readSeq, before?.readSeq ?? 0),
    })
    gathered.set(conversationId, group)
    pace.news(conversationId)
  }

  function tellGathered(conversationId: string): boolean {
    const group = gathered.get(conversationId)
    if (!group) return false
    gathered.delete(conversationId)
    for (const [userId, raised] of group.marks)
      void fanout.event(
        'receipt.updated',
        { conversationId, userId, ...raised },
        { conversationId, membersRev: group.membersRev, about: userId, shows: { what: 'receipts', of: userId } },
      )
    return true
  }

  return {
    async raise(userId, { conversationId, deliveredSeq, readSeq }, socketId) {
      if (deliveredSeq === undefined && readSeq === undefined)
        throw new Fault('validation.failed', 'Give deliveredSeq, readSeq or both')
      const known = await cachedFor(store.log, userId, conversationId)
      // Above the head that is known here the reply would tell of a newer one, which only a member of now may hear of.
      const newer = Math.max(deliveredSeq ?? 0, readSeq ?? 0) > known.conversation.headSeq
      const { conversation } = newer ? await seenBy(store.log, userId, conversationId) : known
      const marks = await store.marks.raise({
        conversationId,
        userId,
        ...(deliveredSeq !== undefined && { deliveredSeq }),
        ...(readSeq !== undefined && { readSeq }),
      })
      const raised = { deliveredSeq: marks.deliveredSeq, readSeq: marks.readSeq }
      if (marks.changed) tell(conversation, userId, raised, socketId)
      return raised
    },
    [Symbol.dispose]() {
      pace[Symbol.dispose]()
      gathered.clear()
    },
  }
}

type Raised = Omit<Marks, 'userId'>
