import type { ContactItem, ContactList } from './contact.ts'
import type { ConversationItem, MessageEntry } from './conversation.ts'
import type { OwnMark } from './own.ts'
import type { Profile } from './profile.ts'
import type { OwnUser, SessionItem } from './user.ts'

/**
 * A line of what one takes along: JSON, one value a line. `GET /api/user/export` gives what the user service has of one, `GET /api/export`
 * what the chat service has: each conversation that one is in, followed by the messages in it that one may see, oldest first.
 * The last line of each is `end`: without it something is missing.
 */
export type ExportLine =
  | { type: 'account'; account: OwnUser }
  | { type: 'profile'; profile: Profile }
  | { type: 'session'; session: SessionItem }
  | { type: 'contact'; list: ContactList; contact: ContactItem }
  | { type: 'conversation'; conversation: ConversationItem }
  | { type: 'message'; message: MessageEntry & { sender: string } }
  /** What one has made of a message for oneself. */
  | { type: 'mark'; conversationId: string; mark: OwnMark }
  /** `lines` before this one. */
  | { type: 'end'; part: ExportPart; lines: number }

export type ExportPart = 'account' | 'conversations'
