import { hasPassed, type Status } from '@parley/protocol/profile'
import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView, Person } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { sentenceTime } from './time.ts'

/** Whom the list watches at most: those at its top; the server takes 500. */
const WATCHED = 200

/** The other one of a direct conversation; undefined in a group and when writing to oneself. */
export function otherOf(conversation: ConversationView, meId: string): string | undefined {
  if (conversation.kind !== 'direct') return undefined
  return conversation.members?.find((member) => member.userId !== meId)?.userId
}

/** The direct conversation with that person, or with oneself, if it is here. */
export const directWith = (
  conversations: readonly ConversationView[],
  userId: string,
  meId: string,
): ConversationView | undefined =>
  conversations.find((one) => one.kind === 'direct' && one.members && (otherOf(one, meId) ?? meId) === userId)

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

/** The status of a person as it is at that time; undefined where there is none. */
export function statusOf(person: Person | undefined, now: Date): Status | undefined {
  const { status } = person ?? {}
  return status && !hasPassed(status, now) ? status : undefined
}
