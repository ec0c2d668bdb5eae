import { withoutMarks } from '@parley/protocol/markup'
import type { ConversationView, MessageStatus, OutboxItem } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { nameOf } from './people.ts'

/** The second line of a conversation in the list. */
export interface Preview {
  /** It is what one has begun to write. */
  draft?: true
  text: string
  /** Who wrote it, in a group; `You` for oneself. */
  by?: string
  at?: string
  /** How far one's own message got; absent for others'. */
  status?: MessageStatus
}

/** What was said last: what was begun here before what waits in the outbox, and that before what is stored. */
export function preview(
  conversation: ConversationView,
  outbox: readonly OutboxItem[],
  names: (userId: string, username: string) => string = (_, username) => nameOf(username),
): Preview {
  const { draft } = conversation.me.settings
  if (draft.trim())
    return { text: draft, draft: true, ...(conversation.lastMessage && { at: conversation.lastMessage.createdAt }) }
  const waiting = outbox.findLast(
    ({ to, change }) => !change && 'conversationId' in to && to.conversationId === conversation.id,
  )
  const group = conversation.kind === 'group'
  if (waiting) {
    const status = waiting.refused ? 'failed' : 'pending'
    return { text: opening(waiting.text), at: waiting.queuedAt, status, ...(group && { by: strings.list.you }) }
  }
  const last = conversation.lastMessage
  if (!last) return { text: strings.list.noMessages }
  const by = last.mine ? strings.list.you : names(last.senderId, last.sender)
  const text = last.deleted ? strings.message.deleted : opening(last.text)
  return { text, at: last.createdAt, ...(group && { by }), ...(last.mine && { status: last.status }) }
}

/** As much as one line can show. */
const opening = (text: string): string => withoutMarks(text.slice(0, 300))
