import type { InviteItem } from '@parley/protocol/conversation'
import { strings } from '../strings.ts'
import { clockTime, dayLabel, daysAgo } from './time.ts'

const HOUR_MS = 3_600_000
const words = strings.invites

/** What one can choose of when a link ends. */
export const inviteEnds = (): { label: string; value: number | null }[] => [
  { label: words.ends.hour, value: HOUR_MS },
  { label: words.ends.day, value: 24 * HOUR_MS },
  { label: words.ends.week, value: 7 * 24 * HOUR_MS },
  { label: words.ends.never, value: null },
]

/** How many it may let in. */
export const inviteUses = (): { label: string; value: number | null }[] => [
  { label: words.any, value: null },
  ...[1, 10, 50].map((value) => ({ label: words.people(value), value })),
]

/** When it ends, and how many came. */
export function inviteState({ expiresAt, maxUses, uses }: InviteItem, now: Date): string {
  const end = expiresAt === null ? words.noEnd : words.until(endOf(expiresAt, now))
  return `${end} ${words.used(uses, maxUses)}`
}

/** A time to come, as part of a sentence. */
export function endOf(at: string, now: Date): string {
  const clock = clockTime(at)
  const days = daysAgo(at, now)
  if (days >= 0) return strings.time.todayAt(clock)
  return days === -1 ? strings.time.tomorrowAt(clock) : strings.time.onAt(dayLabel(at, now), clock)
}

/** The address that is given to people. */
export const linkOf = (code: string, origin: string): string => `${origin}/join/${code}`
