import type { DatabaseSync } from 'node:sqlite'
import type { ChangeEntry } from '@parley/protocol/conversation'
import { applyEntry } from '../../conversation.ts'
import { idBytes } from './bytes.ts'
import type { Head, Heads } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import type { Append, Packed } from './pack.ts'
import { OUTCOME, PLACE_WIDTH } from './round.ts'
import { type ChangeRow, changeOf, type MessageRow, stateOf } from './rows.ts'
import { one, write } from './statements.ts'

const CONFLICT = [OUTCOME.conflict, 0, 0, 0, 0, 0]
const STALE = [OUTCOME.stale, 0, 0, 0, 0, 0]

/** Appends to the logs, within a round's transaction. */
export class Appends {
  readonly #heads: Heads
  readonly #inboxes: Inboxes
  readonly #insertMessage
  readonly #insertChange
  readonly #saveConversation
  readonly #messageById
  readonly #changeById
  readonly #lastMessagePos
  readonly #lastChangePos
  /** The last position given out; undefined: to be read. */
  #pos: number | undefined

  constructor(db: DatabaseSync, heads: Heads, inboxes: Inboxes) {
    this.#heads = heads
    this.#inboxes = inboxes
    this.#insertMessage = write(db, 'message')
    this.#insertChange = write(db, 'change')
    this.#saveConversation = write(db, 'conversation')
    this.#messageById = one<MessageRow>(db, 'messageById')
    this.#changeById = one<ChangeRow>(db, 'changeById')
    this.#lastMessagePos = one<{ pos: number | null }>(db, 'lastMessagePos')
    this.#lastChangePos = one<{ pos: number | null }>(db, 'lastChangePos')
  }

  /** Carries out the appends in their order; gives `PLACE_WIDTH` values for each. */
  run(round: Packed, at: number): Float64Array {
    const places = new Float64Array(round.count * PLACE_WIDTH)
    let n = 0
    for (const [head, append] of round.appends()) {
      places.set(this.#append(head, append, at), n)
      n += PLACE_WIDTH
    }
    return places
  }

  clear(): void {
    this.#pos = undefined
  }

  #append(head: Head | undefined, append: Append, at: number): number[] {
    const { kind } = append
    if (kind === 'message') return head ? this.#message(head, append, at) : STALE
    return this.#change(head, { ...append, kind }, at)
  }

  #message(head: Head, append: Append, at: number): number[] {
    const { id, sender, hash, body } = append
    // The id is looked up before anything is refused: a repeat is a repeat whatever has happened since.
    if (append.membersRev !== head.membersRev) return this.#first(head, append) ?? STALE
    const { key, headSeq, rev, membersRev } = head
    const pos = this.#nextPos()
    const written = this.#insertMessage(pos, key, headSeq + 1, rev + 1, membersRev, id, sender, at, hash, body)
    if (written === 0) {
      const first = this.#first(head, append)
      if (!first) throw new Error('the head of a conversation is not where it was: another process writes here')
      return first
    }
    this.#pos = pos
    head.headSeq++
    head.rev++
    return [OUTCOME.appended, head.rev, head.headSeq, membersRev, at, pos]
  }

  #change(existing: Head | undefined, append: Append & { kind: ChangeEntry['kind'] }, at: number): number[] {
    const { kind, conversationId, id, sender, hash, body } = append
    const first = existing && this.#first(existing, append)
    if (first) return first
    if (kind === 'created' && existing) return CONFLICT
    if (kind !== 'created' && existing?.membersRev !== append.membersRev) return STALE

    const rev = (existing?.rev ?? 0) + 1
    const headSeq = existing?.headSeq ?? 0
    const membersRev = kind === 'renamed' ? append.membersRev : rev
    const pos = this.#nextPos()
    const place = { pos, rev, head_seq: headSeq, members_rev: membersRev, at }
    const entry = changeOf(conversationId, { ...place, id, sender, hash, kind, body })
    const before = existing && { ...existing.state, rev: existing.rev, headSeq: existing.headSeq }
    const state = applyEntry(before, entry)
    const head = existing ?? this.#heads.add(state)
    Object.assign(head, { rev, headSeq, membersRev, state })
    this.#saveConversation(head.key, idBytes(conversationId), rev, headSeq, membersRev, stateOf(state))
    this.#insertChange(pos, head.key, rev, headSeq, membersRev, id, sender, at, hash, kind, body)
    this.#pos = pos
    this.#inboxes.change(head, before)
    return [OUTCOME.appended, rev, headSeq, membersRev, at, pos]
  }

  /** What a taken id answers: the first reply to its own sender and content, a conflict to anybody else. */
  #first(head: Head, { id, sender, hash, kind }: Append): number[] | undefined {
    const message = this.#messageById(head.key, id)
    const row = message ? { ...message, head_seq: message.seq, kind: 'message' } : this.#changeById(head.key, id)
    if (!row) return undefined
    const same = row.kind === kind && equal(row.sender, sender) && equal(row.hash, hash)
    return same ? [OUTCOME.repeated, row.rev, row.head_seq, row.members_rev, row.at, row.pos] : CONFLICT
  }

  #nextPos(): number {
    this.#pos ??= Math.max(this.#lastMessagePos()?.pos ?? 0, this.#lastChangePos()?.pos ?? 0)
    return this.#pos + 1
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
