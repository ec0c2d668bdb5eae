import type { QuietHours } from '@parley/protocol/notification'
import { endOf } from '../state/invites.ts'
import { strings } from '../strings.ts'

/** Until when one may ask not to be disturbed; `null` ends it. */
export interface DisturbChoice {
  label: string
  until: string | null
  chosen: boolean
}

const HOUR_MS = 3_600_000
const MORNING = 8

/** What can be chosen at `now`, and first of all what is: a time that is over is none. */
export function disturbChoices(until: string | null, now: Date): DisturbChoice[] {
  const words = strings.notifications
  const isSet = until !== null && Date.parse(until) > now.getTime()
  const after = (hours: number): string => new Date(now.getTime() + hours * HOUR_MS).toISOString()
  const morning = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING)
  return [
    ...(isSet ? [{ label: words.disturbUntil(endOf(until, now)), until, chosen: true }] : []),
    { label: words.disturbOff, until: null, chosen: !isSet },
    { label: words.disturbHour, until: after(1), chosen: false },
    { label: words.disturbHours, until: after(8), chosen: false },
    { label: words.disturbMorning, until: morning.toISOString(), chosen: false },
  ]
}

/** What quiet hours begin with. */
export const QUIET_HOURS: Omit<QuietHours, 'timeZone'> = { from: '22:00', to: '07:00' }

export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** All that the browser knows, and the one that is set, which another may have known. */
export const timeZones = (set: string): string[] => [...new Set([set, ...Intl.supportedValuesOf('timeZone')])].sort()
