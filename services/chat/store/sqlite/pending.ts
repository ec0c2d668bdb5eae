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
  readonly #positions = new WeakMap<Entry, number>()
  readonly #kept = new Map<number, Entry>()
  /** Does `#kept` hold all there is? If not, it holds the oldest: at first none, and after it was full the rest is only in the file. */
  #complete = false

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** To be told of each commit, in their order. */
  add(entry: Entry, position: number): void {
    this.#positions.set(entry, position)
    if (!this.#complete) return
    if (this.#kept.size < KEPT) this.#kept.set(position, entry)
    else this.#complete = false
  }

  /** The oldest. */
  first(limit: number): Entry[] {
    if (!this.#complete && this.#kept.size < limit) this.#load(Math.max(limit, KEPT))
    const entries: Entry[] = []
    for (const entry of this.#kept.values()) {
      if (entries.length >= limit) break
      entries.push(entry)
    }
    return entries
  }

  /** Where these stand in the order of commits. Those that were never committed have no place and are left out. */
  positions(entries: readonly Entry[]): number[] {
    return entries.flatMap((entry) => this.#positions.get(entry) ?? this.#reader.position(entry) ?? [])
  }

  /** They are relayed, for good. */
  remove(positions: readonly number[]): void {
    for (const position of positions) this.#kept.delete(position)
  }

  #load(limit: number): void {
    this.#kept.clear()
    const found = this.#reader.pending(limit)
    for (const { entry, position } of found) {
      this.#kept.set(position, entry)
      this.#positions.set(entry, position)
    }
    this.#complete = found.length < limit
  }
}
