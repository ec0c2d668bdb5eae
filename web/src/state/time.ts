import { strings } from '../strings.ts'

const DAY_MS = 86_400_000

const formats = {
  clock: new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }),
  weekday: new Intl.DateTimeFormat(undefined, { weekday: 'long' }),
  shortWeekday: new Intl.DateTimeFormat(undefined, { weekday: 'short' }),
  date: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' }),
  dateWithYear: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' }),
  shortDate: new Intl.DateTimeFormat(undefined, { day: '2-digit', month: '2-digit', year: '2-digit' }),
  full: new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' }),
}

/** Hour and minute on the reader's own clock. */
export function clockTime(at: string): string {
  return formats.clock.format(new Date(at))
}

/** Date and time in full, for a tooltip. */
export function fullTime(at: string): string {
  return formats.full.format(new Date(at))
}

/** How many midnights of the reader's own calendar lie between the two; negative when `at` is later. */
export function daysAgo(at: string, now: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  return Math.round((midnight(now) - midnight(new Date(at))) / DAY_MS)
}

/** The line between two days of a conversation. */
export function dayLabel(at: string, now: Date): string {
  const days = daysAgo(at, now)
  const date = new Date(at)
  if (days === 0) return strings.time.today
  if (days === 1) return strings.time.yesterday
  if (days > 1 && days < 7) return formats.weekday.format(date)
  return date.getFullYear() === now.getFullYear() ? formats.date.format(date) : formats.dateWithYear.format(date)
}

/** When something last happened, in the width of a list. */
export function shortTime(at: string, now: Date): string {
  const days = daysAgo(at, now)
  if (days <= 0) return clockTime(at)
  if (days === 1) return strings.time.yesterday
  return days < 7 ? formats.shortWeekday.format(new Date(at)) : formats.shortDate.format(new Date(at))
}

/** When something last happened, as part of a sentence. */
export function sentenceTime(at: string, now: Date): string {
  const days = daysAgo(at, now)
  if (days <= 0) return strings.time.todayAt(clockTime(at))
  if (days === 1) return strings.time.yesterdayAt(clockTime(at))
  return strings.time.onAt(dayLabel(at, now), clockTime(at))
}
