import type { Preferences, QuietHours } from '@parley/protocol/notification'

export type { Preferences }

/** The preferences of whoever has set nothing. */
export const PREFERRED: Preferences = {
  level: 'all',
  push: true,
  doNotDisturbUntil: null,
  quietHours: null,
  digest: true,
  locale: 'en',
}

/** Does that moment lie in the quiet hours, by the clock of the user's time zone (also on days when that is put forward or back)? */
export function isQuiet(hours: QuietHours | null, at: Date): boolean {
  if (!hours) return false
  const now = clockOf(hours.timeZone).format(at)
  const { from, to } = hours
  return from < to ? from <= now && now < to : now >= from || now < to
}

/** To make one takes some 20 µs, and there are few time zones. */
const clocks = new Map<string, Intl.DateTimeFormat>()
const MOST_CLOCKS = 1_000

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known) return known
  // `h23` since 24:00 would else be what midnight is called.
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  if (clocks.size >= MOST_CLOCKS) clocks.clear()
  clocks.set(timeZone, clock)
  return clock
}
