import { FOR_EVER } from '@parley/protocol/settings'
import { strings } from '../strings.ts'

const HOUR_MS = 3_600_000

/** For how long one can mute, from now on. */
export function muteEnds(now: Date): { label: string; until: Date }[] {
  const after = (hours: number): Date => new Date(now.getTime() + hours * HOUR_MS)
  return [
    { label: strings.settings.muteHours, until: after(8) },
    { label: strings.settings.muteWeek, until: after(7 * 24) },
    { label: strings.settings.muteForEver, until: new Date(FOR_EVER) },
  ]
}
