import { createHash } from 'node:crypto'
import type { ContactPair, ContactSide } from '@parley/protocol/contact'
import type { ChangeEntry } from '@parley/protocol/conversation'
import type { SecurityEvent } from '@parley/protocol/security'
import type { StandingMember, StandingMessage } from '@parley/protocol/standing'
import { causeOf } from '../decision.ts'
import { type Alert, goneFrom } from '../store/alerts.ts'

/**
 * The whole rule of what is an alert for whom. Pure: what it is given is how things stand at that moment, so of one cause that is told
 * twice, late, or on two nodes at once, the same alert is made, or a later state of it.
 */

type Reacted = Extract<ChangeEntry, { kind: 'message.reacted' }>

/** Of very many who reacted so many are kept, the latest. */
const ACTORS_MOST = 50

/** The alert of a message for one of those whom it names or answers; none for what one may not see, wrote oneself, or wants to hear nothing of. */
export function ofMessage(
  conversationId: string,
  message: StandingMessage,
  member: StandingMember,
  now: number,
): Alert | undefined {
  const { userId, fromSeq, apart, readSeq } = member
  const { seq, senderId, gone, createdAt } = message
  const kind = causeOf({ userId, message })
  if (kind === 'message' || senderId === userId || gone || seq < fromSeq || apart?.includes(senderId)) return undefined
  if (isQuiet(member, now)) return undefined
  return {
    ...{ id: idOf(userId, `message/${conversationId}/${seq}`), userId, kind, at: Date.parse(createdAt), rev: 1 },
    ...{ read: seq <= readSeq, actors: [senderId], actorCount: 1, conversationId, seq },
  }
}

/**
 * The one alert of all reactions to a message, for who wrote it, as they are now. `entry` is the one that is told, and its `rev` the
 * alert's: of the last that is told the reactions are at least as new, and it alone knows who reacted last.
 */
export function ofReactions(
  entry: Pick<Reacted, 'conversationId' | 'senderId' | 'emoji' | 'createdAt' | 'rev'>,
  message: StandingMessage,
  author: StandingMember,
  now: number,
): Alert | undefined {
  const { conversationId, senderId, createdAt, rev } = entry
  const { userId, apart = [], fromSeq } = author
  const { seq, gone, reactions = [] } = message
  const those = reactions.flatMap(({ emoji, userIds }) => userIds.map((id) => ({ id, emoji }))).reverse()
  const seen = those.filter(({ id }) => id !== userId && !apart.includes(id))
  const latest = seen.find(({ id, emoji }) => id === senderId && emoji === entry.emoji) ?? seen[0]
  const actors = [...new Set([...(latest ? [latest.id] : []), ...seen.map(({ id }) => id)])]
  const alert: Alert = {
    ...{ id: idOf(userId, `reaction/${conversationId}/${seq}`), userId, kind: 'reaction', at: Date.parse(createdAt) },
    ...{ rev, read: false, actors: actors.slice(0, ACTORS_MOST), actorCount: actors.length },
    ...{ conversationId, seq, ...(latest && { emoji: latest.emoji }) },
  }
  if (!latest || gone || seq < fromSeq) return goneFrom(alert)
  return isQuiet(author, now) ? undefined : alert
}

/**
 * What is between two users, as it is now, for each of them that has not been told. Who accepts a request is not alerted that the other is
 * a contact now: the request is answered.
 */
export const ofContact = ({ low, high }: ContactPair, rev: number, at: string): Alert[] => [
  ...ofSide(low, high.userId, rev, at),
  ...ofSide(high, low.userId, rev, at),
]

function ofSide(
  { userId, blocks, view, tell, accepted }: ContactSide,
  otherId: string,
  rev: number,
  at: string,
): Alert[] {
  if (!tell) return []
  const alert: Alert = {
    ...{
      id: idOf(userId, `contact/${otherId}`),
      userId,
      kind: 'contact.requested',
      at: Date.parse(view.changedAt ?? at),
    },
    ...{ rev, read: false, actors: [otherId], actorCount: 1 },
  }
  // Who accepted has answered the request, which they may be told of here for the first time.
  if (blocks || accepted || view.status === 'none' || view.status === 'outgoing') return [goneFrom(alert)]
  return [view.status === 'friends' ? { ...alert, kind: 'contact.accepted' } : alert]
}

/** Whom an entry has brought into a group, by somebody else. */
export function addedBy(entry: ChangeEntry): string[] {
  const { senderId } = entry
  if (entry.kind === 'members.added' && entry.inviteId === undefined)
    return entry.userIds.filter((userId) => userId !== senderId)
  if (entry.kind !== 'created' || entry.conversationKind !== 'group') return []
  return entry.members.flatMap(({ userId }) => (userId === senderId ? [] : [userId]))
}

/** That one was added to a group, for who still is in it: one alert, of the last time. */
export const ofGroup = ({ conversationId, senderId, rev, createdAt }: ChangeEntry, userId: string): Alert => ({
  ...{ id: idOf(userId, `group/${conversationId}`), userId, kind: 'group.added', at: Date.parse(createdAt), rev },
  ...{ read: false, actors: [senderId], actorCount: 1, conversationId },
})

/** What happened to one's account; `eventId` is the happening's. */
export function ofSecurity(eventId: string, event: SecurityEvent): Alert {
  const { userId, at, kind } = event
  return {
    ...{ id: idOf(userId, `security/${eventId}`), userId, kind, at: Date.parse(at), rev: 1 },
    ...{ read: false, actors: [], actorCount: 0 },
    ...('sessionId' in event && { sessionId: event.sessionId, device: event.device }),
    ...('place' in event && event.place !== undefined && { place: event.place }),
  }
}

/** The conversation is muted, or one wants to hear of nothing there. */
const isQuiet = ({ level, mutedUntil }: StandingMember, now: number): boolean =>
  level === 'none' || (mutedUntil !== null && Date.parse(mutedUntil) > now)

const idOf = (userId: string, cause: string): string =>
  createHash('sha256').update(`${userId}\0${cause}`).digest('base64url').slice(0, 22)
