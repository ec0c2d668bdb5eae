import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { sentenceTime } from './time.ts'

/** Whom the list watches at most: those at its top; the server takes 500. */
const WATCHED = 200

/** The other one of a direct conversation; undefined in a group and when writing to oneself. */
export function otherOf(conversation: ConversationView, meId: string): string | undefined {
  if (conversation.kind !== 'direct') return undefined
  return conversation.members?.find((member) => member.userId !== meId)?.userId
}

/** Whose presence the list shows: the others of the direct conversations. Before the first word is said, one is not told of it. */
export function watched(conversations: readonly ConversationView[], meId: string): string[] {
  const begun = conversations.filter((conversation) => conversation.headSeq > 0)
  const others = begun.map((conversation) => otherOf(conversation, meId)).filter((id) => id !== undefined)
  return [...new Set(others)].slice(0, WATCHED)
}

/** What is said of someone's presence; undefined while it is not known. */
export function presenceText(item: PresenceItem | undefined, now: Date): string | undefined {
  if (!item) return undefined
  if (item.online) return strings.chat.online
  return item.lastSeenAt ? strings.chat.lastSeen(sentenceTime(item.lastSeenAt, now)) : strings.chat.offline
}

/** A name as it is shown; who has deleted the account has none. */
export const nameOf = (name: string): string => name || strings.deletedUser

/** Whether the other one of a direct conversation has deleted the account. */
export const otherIsGone = (conversation: ConversationView, meId: string): boolean =>
  conversation.kind === 'direct' &&
  conversation.members?.some((member) => member.userId !== meId && member.deleted) === true

/** The letter that stands for a name. */
export function initial(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim())
  return first ? first.segment.toLocaleUpperCase() : '?'
}

/** One of `count` colours, always the same for one id. */
export function colourOf(id: string, count: number): number {
  let sum = 0
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return sum % count
}
