import type { Entry } from '@parley/protocol/conversation'
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

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** To be told of each commit, in their order. */
  add(entry: Entry, position: number): void {
    if (!this.#complete) return
    if (this.#entries.length < KEPT) this.#push(entry, position)
    else this.#complete = false
  }

  /** The oldest. */
  first(limit: number): Entry[] {
    if (!this.#complete && this.#entries.length < limit) this.#load(Math.max(limit, KEPT))
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
      this.#entries.splice(0, positions.length)
      this.#positions.splice(0, positions.length)
      return
    }
    const gone = new Set(positions)
    const left = this.#entries.map((entry, n) => [entry, this.#positions[n]!] as const)
    this.#clear()
    for (const [entry, position] of left) if (!gone.has(position)) this.#push(entry, position)
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
    const found = this.#reader.pending(limit)
    for (const { entry, position } of found) this.#push(entry, position)
    this.#complete = found.length < limit
  }
}
