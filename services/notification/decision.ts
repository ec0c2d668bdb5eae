import type { StandingMember, StandingMessage } from '@parley/protocol/standing'
import { isQuiet, type Preferences } from './preferences.ts'

/**
 * The whole rule of whom a push tells of a message (P7). Pure: what it is given is what the chat service says at that moment and what the
 * user has set; the same gives the same. `why.ts` has a sentence for each of its answers.
 */
export type Decision = { outcome: 'push'; because: Cause } | { outcome: 'none'; reason: Reason }

/** What a message is to who is told of it: the first that holds. */
export const CAUSES = ['mention', 'reply', 'mention.all', 'message'] as const
export type Cause = (typeof CAUSES)[number]

/** Why nobody is told: the first that holds, in this order. */
export const REASONS = [
  'own.message',
  'not.member',
  'before.joining',
  'message.gone',
  'blocked',
  'read',
  'too.old',
  'muted',
  'level.none',
  'level.mentions',
  'all.none',
  'all.mentions',
  'active.device',
  'channel.off',
  'do.not.disturb',
  'quiet.hours',
  'no.device',
] as const
export type Reason = (typeof REASONS)[number]

/** One message and one user, at one moment. */
export interface Situation {
  userId: string
  /** Of the conversation. */
  kind: 'direct' | 'group'
  /** Undefined for who is no member (any more). */
  member: StandingMember | undefined
  message: StandingMessage
  preferences: Preferences
  /** Devices that are registered for push. */
  devices: number
  at: Date
}

/** A service that was away for longer than that tells of what is new, and does not wake people for what is history. */
export const OLDEST_MS = 24 * 3_600_000

export function decide(situation: Situation): Decision {
  const because = causeOf(situation)
  const reason = notAtAll(situation) ?? tooOld(situation) ?? notWanted(situation, because) ?? notNow(situation)
  return reason ? { outcome: 'none', reason } : { outcome: 'push', because }
}

/**
 * Why that member is told of no message up to `upTo`, whatever they are: then they need not be read. In a busy conversation that is so
 * for nearly everybody. Where `decide` would name another reason for some of them, it would not push them either.
 */
export function reasonForAll(
  standing: Omit<Situation, 'message' | 'userId' | 'kind'>,
  upTo: number,
): Reason | undefined {
  const { member, preferences, at } = standing
  if (!member) return 'not.member'
  if (upTo <= member.readSeq) return 'read'
  if (isAfter(member.mutedUntil, at)) return 'muted'
  if (member.level === 'none') return 'level.none'
  return preferences.level === 'none' ? 'all.none' : notNow(standing)
}

/** What a message is to that user. */
export function causeOf({ userId, message }: Pick<Situation, 'userId' | 'message'>): Cause {
  if (message.mentions?.includes(userId)) return 'mention'
  if (message.answers === userId) return 'reply'
  return message.mentionsAll ? 'mention.all' : 'message'
}

/** Of what one sent, may not see, or has seen, nobody is told. */
export function notAtAll({ userId, member, message }: Omit<Situation, 'preferences' | 'devices'>) {
  if (message.senderId === userId) return 'own.message'
  if (!member) return 'not.member'
  if (message.seq < member.fromSeq) return 'before.joining'
  if (message.gone) return 'message.gone'
  if (member.apart?.includes(message.senderId)) return 'blocked'
  return message.seq <= member.readSeq ? 'read' : undefined
}

const tooOld = ({ message, at }: Situation): Reason | undefined =>
  Date.parse(message.createdAt) < at.getTime() - OLDEST_MS ? 'too.old' : undefined

/**
 * What one has set for the conversation, and then for all. Who is named or answered hears of it also where the level is `mentions`, never
 * where it is muted or `none`; a direct conversation is told of where the level for all is `mentions`.
 */
export function notWanted(
  { member, kind, preferences, at }: Pick<Situation, 'member' | 'kind' | 'preferences' | 'at'>,
  because: Cause,
) {
  const { mutedUntil, level } = member!
  if (isAfter(mutedUntil, at)) return 'muted'
  if (level === 'none') return 'level.none'
  if (level === 'mentions' && because === 'message') return 'level.mentions'
  if (preferences.level === 'none') return 'all.none'
  return preferences.level === 'mentions' && kind === 'group' && because === 'message' ? 'all.mentions' : undefined
}

/** What holds for all conversations at that moment. */
function notNow({
  member,
  preferences,
  devices,
  at,
}: Omit<Situation, 'message' | 'userId' | 'kind'>): Reason | undefined {
  if (member!.active) return 'active.device'
  if (!preferences.push) return 'channel.off'
  if (isAfter(preferences.doNotDisturbUntil, at)) return 'do.not.disturb'
  if (isQuiet(preferences.quietHours, at)) return 'quiet.hours'
  return devices === 0 ? 'no.device' : undefined
}

const isAfter = (time: string | null, at: Date): boolean => time !== null && Date.parse(time) > at.getTime()
