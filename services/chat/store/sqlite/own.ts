import type { DatabaseSync } from 'node:sqlite'
import { type OwnChange, type OwnChanged, type OwnMark, withOwnChange } from '@parley/protocol/own'
import { type Starred, type Stay, starPlace } from '../store.ts'
import { idBytes } from './bytes.ts'
import type { Heads } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import { one, write } from './statements.ts'

/** A row of `own`. */
export interface OwnRow {
  seq: number
  rev: number
  /** The place among what is starred; null where it is not. */
  starred: number | null
  hidden: number
}

/** What the row says. */
export function ownMarkOf({ seq, rev, starred, hidden }: OwnRow): OwnMark {
  return { seq, rev, starred: starred !== null, hidden: hidden === 1 }
}

/** Changes what users made of messages for themselves, within a round's transaction. */
export class OwnRounds {
  readonly #heads: Heads
  readonly #inboxes: Inboxes
  readonly #read
  readonly #readRev
  readonly #save
  readonly #unstar

  constructor(db: DatabaseSync, heads: Heads, inboxes: Inboxes) {
    this.#heads = heads
    this.#inboxes = inboxes
    this.#read = one<Omit<OwnRow, 'seq'>>(db, 'own')
    this.#readRev = one<{ rev: number | null }>(db, 'ownRev')
    this.#save = write(db, 'own')
    this.#unstar = write(db, 'unstar')
  }

  /** What changed; undefined when the stay has ended. */
  change({ conversationId, userId, fromRev }: Stay, change: OwnChange, now: number): OwnChanged | undefined {
    const head = this.#heads.find(conversationId)
    if (head?.state.members.get(userId)?.fromRev !== fromRev) return undefined
    const user = idBytes(userId)
    let rev = this.#readRev(user, head.key)?.rev ?? 0
    const items: OwnMark[] = []
    for (const seq of new Set(change.seqs)) {
      const row = this.#read(user, head.key, seq)
      const before = row && ownMarkOf({ ...row, seq })
      const next = withOwnChange(before, change)
      if (!next) continue
      rev++
      const place = before?.starred ? (row?.starred ?? null) : starPlace(now, items.length)
      this.#save(user, head.key, seq, rev, next.starred ? place : null, next.hidden ? 1 : 0)
      items.push({ seq, rev, ...next })
    }
    if (items.length > 0) this.#inboxes.raiseFor(head, userId)
    return { items, rev }
  }

  unstar(userId: string, messages: readonly Omit<Starred, 'place'>[]): void {
    for (const { conversationId, seq } of messages) {
      const head = this.#heads.find(conversationId)
      if (head) this.#unstar(idBytes(userId), head.key, seq)
    }
  }
}
