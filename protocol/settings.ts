/** A member's own settings of a conversation: the same on all of the member's devices, and told to nobody else. Types and plain functions, no zod. */

/** What one wants to be told of. */
export const LEVELS = ['all', 'mentions', 'none'] as const
export type Level = (typeof LEVELS)[number]

export interface Settings {
  /** Counts the changes of the settings of this conversation: of two states the one with the higher `rev` is true. 0: nothing was ever set. */
  rev: number
  /** RFC 3339 UTC with milliseconds; `FOR_EVER` without an end. A time that has passed mutes nothing. */
  mutedUntil: string | null
  /** The newest message when it was archived. A newer one brings it back, unless it is muted: see `isArchived`. */
  archivedSeq: number | null
  /** Stands on top of the list: the larger number first. */
  pinned: number | null
  level: Level
  /** What was begun and not sent; empty when nothing was. */
  draft: string
}

/** `PATCH /api/conversations/:id/settings`: what is not given stays as it is. */
export interface SettingsChange {
  mutedUntil?: string | null | undefined
  archived?: boolean | undefined
  pinned?: number | null | undefined
  level?: Level | undefined
  draft?: string | undefined
}

/** The end of a mute that has none. */
export const FOR_EVER = '9999-12-31T23:59:59.999Z'

/** The settings of whoever has set nothing. */
export const UNSET: Settings = { rev: 0, mutedUntil: null, archivedSeq: null, pinned: null, level: 'all', draft: '' }

/** Is it muted at that time? */
export function isMuted({ mutedUntil }: Pick<Settings, 'mutedUntil'>, now: Date): boolean {
  return mutedUntil !== null && Date.parse(mutedUntil) > now.getTime()
}

/** Does it stand in the archive? Not any more once a message has come, unless it is muted. */
export function isArchived(settings: Settings, headSeq: number, now: Date): boolean {
  return settings.archivedSeq !== null && (headSeq <= settings.archivedSeq || isMuted(settings, now))
}

/** The settings after the change, without a new `rev`; the same object where nothing changes. `headSeq`: of the conversation now. */
export function withChange(settings: Settings, change: SettingsChange, headSeq: number): Settings {
  const { archived, mutedUntil, pinned, level, draft } = change
  const archivedSeq = archived === undefined ? settings.archivedSeq : archived ? headSeq : null
  const next: Settings = {
    rev: settings.rev,
    mutedUntil: mutedUntil === undefined ? settings.mutedUntil : mutedUntil,
    archivedSeq,
    pinned: pinned === undefined ? settings.pinned : pinned,
    level: level ?? settings.level,
    draft: draft ?? settings.draft,
  }
  return same(settings, next) ? settings : next
}

function same(a: Settings, b: Settings): boolean {
  return (
    a.mutedUntil === b.mutedUntil &&
    a.archivedSeq === b.archivedSeq &&
    a.pinned === b.pinned &&
    a.level === b.level &&
    a.draft === b.draft
  )
}
