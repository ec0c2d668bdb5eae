/** How long a status stays. */
export type StatusSpan = 'never' | 'hour' | 'hours' | 'day' | 'week'

const HOURS = { hour: 1, hours: 4, day: 24, week: 7 * 24 } as const

/** When a status that is set now is over; undefined where it stays. */
export function endsAt(span: StatusSpan, now: Date): string | undefined {
  if (span === 'never') return undefined
  return new Date(now.getTime() + HOURS[span] * 3_600_000).toISOString()
}
