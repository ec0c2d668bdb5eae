import type { DatabaseSync } from 'node:sqlite'
import { type Level, type Settings, type SettingsChange, UNSET, withChange } from '@parley/protocol/settings'
import type { Stay } from '../store.ts'
import { idBytes } from './bytes.ts'
import type { Heads } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import { one, write } from './statements.ts'

/** A row of `settings`. `from_rev` names the stay that it belongs to. */
export interface SettingsRow {
  from_rev: number
  rev: number
  muted_until: string | null
  archived_seq: number | null
  pinned: number | null
  level: string
  draft: string
}

/** What the row says to a member of that stay. */
export function settingsOf(row: SettingsRow | undefined, fromRev: number): Settings {
  if (row?.from_rev !== fromRev) return UNSET
  return {
    rev: row.rev,
    mutedUntil: row.muted_until,
    archivedSeq: row.archived_seq,
    pinned: row.pinned,
    level: row.level as Level,
    draft: row.draft,
  }
}

/** Changes settings, within a round's transaction. */
export class SettingsRounds {
  readonly #heads: Heads
  readonly #inboxes: Inboxes
  readonly #read
  readonly #save

  constructor(db: DatabaseSync, heads: Heads, inboxes: Inboxes) {
    this.#heads = heads
    this.#inboxes = inboxes
    this.#read = one<SettingsRow>(db, 'settings')
    this.#save = write(db, 'settings')
  }

  /** Whether anything changed; nothing does when the stay has ended. */
  change({ conversationId, userId, fromRev }: Stay, change: SettingsChange, headSeq: number): boolean {
    const head = this.#heads.find(conversationId)
    if (head?.state.members.get(userId)?.fromRev !== fromRev) return false
    const user = idBytes(userId)
    const row = this.#read(user, head.key)
    const before = settingsOf(row, fromRev)
    const next = withChange(before, change, headSeq)
    if (next === before) return false
    // Counted on over all stays, so that no device takes an old state for a newer one.
    const rev = (row?.rev ?? 0) + 1
    const { mutedUntil, archivedSeq, pinned, level, draft } = next
    this.#save(user, head.key, fromRev, rev, mutedUntil, archivedSeq, pinned, level, draft)
    this.#inboxes.raiseFor(head, userId)
    return true
  }
}
