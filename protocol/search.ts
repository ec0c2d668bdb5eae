import type { MessageEntry } from './conversation.ts'
import type { Range } from './fold.ts'

/** A message that a search found. */
export interface SearchItem {
  conversationId: string
  message: MessageEntry & { sender: string }
  /** Where what was looked for is in `message.text`: in UTF-16 code units, as JavaScript counts, ascending and apart. */
  highlights: Range[]
}

/** `GET /api/search`: the newest first. It may have few items, or none, and yet a cursor: a look takes a bounded time. */
export interface SearchPage {
  items: SearchItem[]
  nextCursor?: string
  /** All that was sent, edited or deleted before that moment was looked at. */
  indexedUpTo: string
  /** The index is still being made: more may be found later. */
  behind: boolean
}
