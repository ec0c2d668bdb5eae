import type { Entry } from '@parley/protocol/conversation'
import { asOf, withoutText } from '@parley/protocol/message-change'
import type { Reader } from './reader.ts'

/** Entries that are kept in memory while they wait for the relay; above it they are read again from the file. */
const KEPT = 10_000

/**
 * The outbox as this process sees it: what was committed and not yet relayed, in the order of commits. A relay that keeps
 * up never reads the file.
 */
export class Pending {
  readonly #reader: Reader
  /** The oldest first, each with its position at the same index. */
  readonly #entries: Entry[] = []
  readonly #positions: number[] = []
  /** Is this all there is? If not, these are the oldest: at first none, and after it was full the rest is only in the file. */
  #complete = false
  /** Of those in memory that are, or change, a message that disappears: when. */
  readonly #expires = new Map<Entry, number>()

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** To be told of each commit, in their order. `expires`: when what it says disappears, in milliseconds since 1970; 0 for never. */
  add(entry: Entry, position: number, expires: number): void {
    if (!this.#complete) return
    if (this.#entries.length >= KEPT) {
      this.#complete = false
      return
    }
    this.#push(entry, position)
    if (expires > 0) this.#expires.set(entry, expires)
  }

  /** The oldest. */
  first(limit: number): Entry[] {
    if (!this.#complete && this.#entries.length < limit) this.#load(Math.max(limit, KEPT))
    if (this.#expires.size > 0) this.#forget(Date.now())
    return this.#entries.slice(0, limit)
  }

  /** Where these stand in the order of commits. Those that were never committed have no place and are left out. */
  positions(entries: readonly Entry[]): number[] {
    // A relay mostly gives back what it was given.
    if (entries.every((entry, n) => entry === this.#entries[n])) return this.#positions.slice(0, entries.length)
    const kept = new Map(this.#entries.map((entry, n) => [entry, this.#positions[n]]))
    return entries.flatMap((entry) => kept.get(entry) ?? this.#reader.position(entry) ?? [])
  }

  /** They are relayed, for good. */
  remove(positions: readonly number[]): void {
    if (positions.every((position, n) => position === this.#positions[n])) {
      for (const entry of this.#expires.size > 0 ? this.#entries.slice(0, positions.length) : [])
        this.#expires.delete(entry)
      this.#entries.splice(0, positions.length)
      this.#positions.splice(0, positions.length)
      return
    }
    const gone = new Set(positions)
    const left = this.#entries.map((entry, n) => [entry, this.#positions[n]!] as const)
    this.#clear()
    for (const [entry, position] of left) {
      if (!gone.has(position)) this.#push(entry, position)
      else this.#expires.delete(entry)
    }
  }

  /** What waits longer than it lasts is passed on as it then reads. */
  #forget(now: number): void {
    for (const [entry, at] of this.#expires) {
      if (at > now) continue
      this.#expires.delete(entry)
      const n = this.#entries.indexOf(entry)
      if (n < 0) continue
      if (entry.kind === 'message') this.#entries[n] = asOf(entry, now)
      else if (entry.kind === 'message.edited') this.#entries[n] = withoutText(entry)
    }
  }

  #push(entry: Entry, position: number): void {
    this.#entries.push(entry)
    this.#positions.push(position)
  }

  #clear(): void {
    this.#entries.length = 0
    this.#positions.length = 0
  }

  #load(limit: number): void {
    this.#clear()
    this.#expires.clear()
    const found = this.#reader.pending(limit)
    for (const { entry, position } of found) {
      this.#push(entry, position)
      const message =
        entry.kind === 'message.edited' ? this.#reader.messages(entry.conversationId, entry.seq, entry.seq)[0] : entry
      if (message?.kind === 'message' && message.expiresAt !== undefined)
        this.#expires.set(entry, Date.parse(message.expiresAt))
    }
    this.#complete = found.length < limit
  }
}
