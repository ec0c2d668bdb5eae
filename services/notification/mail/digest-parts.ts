import type { Standing } from '@parley/protocol/standing'
import { causeOf, notAtAll, notWanted, type Situation } from '../decision.ts'
import { isQuiet, type Preferences } from '../preferences.ts'
import type { Content } from '../push-body.ts'

/**
 * The rule of the mail that tells of unread messages. Pure, as `decide` is: what it is given is what holds at the moment at which
 * the mail is to leave. `why-digest.ts` has a sentence for each of its reasons.
 */
export const DIGEST_REASONS = [
  'digest.off',
  'do.not.disturb',
  'quiet.hours',
  'own.message',
  'not.member',
  'before.joining',
  'message.gone',
  'blocked',
  'read',
  'muted',
  'level.none',
  'level.mentions',
  'all.none',
  'all.mentions',
  'active.device',
] as const
export type DigestReason = (typeof DIGEST_REASONS)[number]

/** What is unread in one conversation. */
export interface DigestPart {
  kind: 'direct' | 'group'
  /** Of a group; empty where it is not to be told. */
  title: string
  count: number
  /** There are more than were counted. */
  more: boolean
  /** Who wrote, each once, the latest first; empty where it is not to be told. */
  senders: string[]
  /** The last ones; empty where they are not to be told. */
  texts: { sender: string; text: string }[]
}

/** Of one conversation so many are quoted, each of them so long, in characters as people see them. */
const TEXTS = 3
const TEXT_LENGTH = 240

/** Why that user is to get no digest at that moment, whatever has come. */
export function notByMail(preferences: Preferences, at: Date): DigestReason | undefined {
  if (!preferences.digest) return 'digest.off'
  const { doNotDisturbUntil } = preferences
  if (doNotDisturbUntil !== null && Date.parse(doNotDisturbUntil) > at.getTime()) return 'do.not.disturb'
  return isQuiet(preferences.quietHours, at) ? 'quiet.hours' : undefined
}

/** What of a conversation the mail tells that user, or why nothing. `standing` has the last of the messages after `readSeq`. */
export function partOf(
  standing: Standing | undefined,
  userId: string,
  preferences: Preferences,
  content: Content,
  at: Date,
): { part: DigestPart } | { reason: DigestReason } {
  const [member] = standing?.members ?? []
  if (!standing || !member) return { reason: 'not.member' }
  const { kind, title, messages, headSeq } = standing
  if (headSeq <= member.readSeq) return { reason: 'read' }
  if (member.active) return { reason: 'active.device' }
  const of = { userId, kind, member, preferences, at }
  const looked = messages.map((message) => ({ message, reason: reasonOf({ ...of, message }) }))
  const told = looked.filter(({ reason }) => reason === undefined).map(({ message }) => message)
  if (told.length === 0) return { reason: looked.at(-1)?.reason ?? 'read' }
  const first = messages[0]!.seq
  return {
    part: {
      kind,
      title: content === 'none' ? '' : title,
      count: told.length,
      more: first > Math.max(member.readSeq + 1, member.fromSeq),
      senders: content === 'none' ? [] : [...new Set(told.map(({ sender }) => sender).reverse())],
      texts:
        content === 'full' ? told.slice(-TEXTS).map(({ sender, text }) => ({ sender, text: shortened(text) })) : [],
    },
  }
}

function reasonOf(situation: Omit<Situation, 'devices'>): DigestReason | undefined {
  return notAtAll(situation) ?? notWanted(situation, causeOf(situation))
}

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

function shortened(text: string): string {
  if (text.length <= TEXT_LENGTH) return text
  let kept = ''
  // One character as people see it may be of many code units; a text of nothing but those is not long.
  for (const { segment } of characters.segment(text.slice(0, TEXT_LENGTH * 4))) {
    if (kept.length + segment.length > TEXT_LENGTH) break
    kept += segment
  }
  return `${kept}…`
}
