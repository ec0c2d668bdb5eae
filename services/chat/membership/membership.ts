import { Fault } from '@parley/kit/fault'
import { type Action, may } from '@parley/protocol/rights'
import { type Conversation, isHiddenFrom, type Member } from '../conversation.ts'
import type { LogStore } from '../store/store.ts'

/** A conversation together with the membership that lets the asker see it. */
export interface Seen {
  conversation: Conversation
  me: Member
}

/** What everyone is told who may not see it, whether it exists or not (P6). */
export const noConversation = (): Fault => new Fault('not_found', 'There is no such conversation')

/** The conversation as it is now, for one of its members; `not_found` for anyone else. For whatever shows something of it. */
export async function seenBy(
  log: Pick<LogStore, 'findConversation'>,
  userId: string,
  conversationId: string,
): Promise<Seen> {
  return seen(await log.findConversation(conversationId), userId)
}

/**
 * The same from the cache, for what is checked again when it is written (a send) or shows nothing (a mark). Looks again
 * before it refuses: who was added a moment ago on another node is a member.
 */
export async function cachedFor(
  log: Pick<LogStore, 'findConversation' | 'cachedConversation'>,
  userId: string,
  conversationId: string,
): Promise<Seen> {
  const cached = await log.cachedConversation(conversationId)
  return cached?.members.has(userId) && !isHiddenFrom(cached, userId)
    ? seen(cached, userId)
    : seenBy(log, userId, conversationId)
}

function seen(conversation: Conversation | undefined, userId: string): Seen {
  const me = conversation?.members.get(userId)
  if (!conversation || !me || isHiddenFrom(conversation, userId)) throw noConversation()
  return { conversation, me }
}

/** Refuses, with `action.forbidden`, what the member's role does not let them do, or what is not done in a direct conversation. */
export function mustMay({ conversation, me }: Seen, action: Action): void {
  if (may(me.role, conversation.kind, action)) return
  throw new Fault(
    'action.forbidden',
    conversation.kind === 'group'
      ? 'Your role in this group does not let you do that'
      : 'In a direct conversation nobody can do that',
  )
}
