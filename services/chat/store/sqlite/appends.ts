import type { DatabaseSync } from 'node:sqlite'
import type { ChangeEntry } from '@parley/protocol/conversation'
import { changesMessage } from '@parley/protocol/message-change'
import { applyEntry, changesTerms } from '../../conversation.ts'
import { Amendments } from './amendments.ts'
import { idBytes } from './bytes.ts'
import type { Erasure } from './erasure.ts'
import type { Head, Heads } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import type { Mentions } from './mentions.ts'
import type { Append, Packed } from './pack.ts'
import { OUTCOME, PLACE_WIDTH } from './round.ts'
import { type ChangeRow, changeOf, extrasOf, type MessageRow, stateOf } from './rows.ts'
import { one, write } from './statements.ts'

/** What is left of the hash of what was deleted. */
const NO_HASH = new Uint8Array(0)
const CONFLICT = [OUTCOME.conflict, 0, 0, 0, 0, 0, 0]
const STALE = [OUTCOME.stale, 0, 0, 0, 0, 0, 0]

/** Appends to the logs, within a round's transaction. */
export class Appends {
  readonly #heads: Heads
  readonly #inboxes: Inboxes
  readonly #amendments: Amendments
  readonly #mentions: Mentions
  readonly #insertMessage
  readonly #insertWithExtras
  readonly #insertChange
  readonly #saveConversation
  readonly #saveRev
  readonly #messageById
  readonly #changeById
  readonly #lastMessagePos
  readonly #lastChangePos
  /** The last position given out; undefined: to be read. */
  #pos: number | undefined

  constructor(db: DatabaseSync, heads: Heads, inboxes: Inboxes, mentions: Mentions, erasure: Erasure) {
    this.#heads = heads
    this.#inboxes = inboxes
    this.#mentions = mentions
    this.#amendments = new Amendments(db, mentions, erasure)
    this.#insertMessage = write(db, 'message')
    this.#insertWithExtras = write(db, 'messageWithExtras')
    this.#insertChange = write(db, 'change')
    this.#saveConversation = write(db, 'conversation')
    this.#saveRev = write(db, 'conversationRev')
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
    if (append.extras !== '') return this.#messageWithExtras(head, append, at, pos)
    const written = this.#insertMessage(pos, key, headSeq + 1, rev + 1, membersRev, id, sender, at, hash, body)
    if (written === 0) return this.#taken(head, append)
    return this.#appended(head, pos, at)
  }

  #messageWithExtras(head: Head, append: Append, at: number, pos: number): number[] {
    const { key, headSeq, rev, membersRev } = head
    const { id, sender, hash, body } = append
    const { extras, expires } = extrasOf(JSON.parse(append.extras), at)
    const kept = extras && JSON.stringify(extras)
    const row = [pos, key, headSeq + 1, rev + 1, membersRev, id, sender, at, hash, body, kept, expires]
    if (this.#insertWithExtras(...row) === 0) return this.#taken(head, append)
    if (extras) this.#mentions.add(key, headSeq + 1, sender, extras)
    return this.#appended(head, pos, at, expires ?? 0)
  }

  /** Its id, or its place, is taken. */
  #taken(head: Head, append: Append): number[] {
    const first = this.#first(head, append)
    if (!first) throw new Error('the head of a conversation is not where it was: another process writes here')
    return first
  }

  #appended(head: Head, pos: number, at: number, expires = 0): number[] {
    this.#pos = pos
    head.headSeq++
    head.rev++
    return [OUTCOME.appended, head.rev, head.headSeq, head.membersRev, at, pos, expires]
  }

  #change(existing: Head | undefined, append: Append & { kind: ChangeEntry['kind'] }, at: number): number[] {
    const { kind, conversationId, id, sender, hash, body } = append
    const first = existing && this.#first(existing, append)
    if (first) return first
    if (kind === 'created' && existing) return CONFLICT
    if (kind !== 'created' && existing?.membersRev !== append.membersRev) return STALE
    if (existing && changesMessage(append)) return this.#amend(existing, append, at)

    const rev = (existing?.rev ?? 0) + 1
    const headSeq = existing?.headSeq ?? 0
    const membersRev = changesTerms(kind) ? rev : append.membersRev
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
    return [OUTCOME.appended, rev, headSeq, membersRev, at, pos, 0]
  }

  /** The message is changed in its place; the entry says that it was, and of an edit not to what. */
  #amend(head: Head, { kind, conversationId, id, sender, hash, body, membersRev }: Append, at: number): number[] {
    const [rev, headSeq, pos] = [head.rev + 1, head.headSeq, this.#nextPos()]
    const row = { pos, rev, head_seq: headSeq, members_rev: membersRev, at, id, sender, hash, body }
    const entry = changeOf(conversationId, { ...row, kind: kind as ChangeEntry['kind'] })
    if (!changesMessage(entry)) throw new Error(`${kind} changes no message`)
    const { erased, expires } = this.#amendments.apply(head.key, entry, at)
    const kept = entry.kind === 'message.edited' ? JSON.stringify({ seq: entry.seq }) : body
    const keptHash = erased ? NO_HASH : hash
    this.#insertChange(pos, head.key, rev, headSeq, membersRev, id, sender, at, keptHash, kind, kept)
    this.#saveRev(rev, headSeq, head.key)
    this.#pos = pos
    head.rev = rev
    return [OUTCOME.appended, rev, headSeq, membersRev, at, pos, expires]
  }

  /** What a taken id answers: the first reply to its own sender and content, a conflict to anybody else. */
  #first(head: Head, { id, sender, hash, kind }: Append): number[] | undefined {
    const message = this.#messageById(head.key, id)
    const row = message ? { ...message, head_seq: message.seq, kind: 'message' } : this.#changeById(head.key, id)
    if (!row) return undefined
    const same = row.kind === kind && equal(row.sender, sender) && (row.hash.length === 0 || equal(row.hash, hash))
    if (!same) return CONFLICT
    return [OUTCOME.repeated, row.rev, row.head_seq, row.members_rev, row.at, row.pos, message?.expires ?? 0]
  }

  #nextPos(): number {
    this.#pos ??= Math.max(this.#lastMessagePos()?.pos ?? 0, this.#lastChangePos()?.pos ?? 0)
    return this.#pos + 1
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
