import { isArchived } from '@parley/protocol/settings'
import type { ConversationView } from '@parley/sdk/types'

/** The two places where a conversation can stand, each in the order of the list. */
export interface Shelves {
  listed: ConversationView[]
  archived: ConversationView[]
}

/** Sorts the list into what is shown and what is archived at that time. */
export function shelves(conversations: readonly ConversationView[], now: Date): Shelves {
  const sorted: Shelves = { listed: [], archived: [] }
  for (const conversation of conversations) {
    const { headSeq, me } = conversation
    sorted[isArchived(me.settings, headSeq, now) ? 'archived' : 'listed'].push(conversation)
  }
  return sorted
}
