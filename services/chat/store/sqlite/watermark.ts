import type { DatabaseSync } from 'node:sqlite'
import { all, one, write } from './statements.ts'

/**
 * What was relayed: everything up to a watermark in the order of commits, and the few above it that were relayed before
 * something below them. Within a round's transaction.
 */
export class Watermark {
  readonly #read
  readonly #readAhead
  readonly #save
  readonly #saveAhead
  readonly #forget
  #upTo: number | undefined
  #ahead = new Set<number>()

  constructor(db: DatabaseSync) {
    this.#read = one<{ value: number }>(db, 'meta')
    this.#readAhead = all<{ pos: number }>(db, 'relayedAhead')
    this.#save = write(db, 'relayed')
    this.#saveAhead = write(db, 'relayedAhead')
    this.#forget = write(db, 'relayedBehind')
  }

  /** Marks positions as relayed, for good. */
  relayed(positions: readonly number[]): void {
    const from = this.#load()
    const kept = this.#ahead.size
    for (const pos of positions) if (pos > from) this.#ahead.add(pos)
    let upTo = from
    while (this.#ahead.delete(upTo + 1)) upTo++
    this.#upTo = upTo
    if (upTo > from) this.#save(upTo)
    if (kept > 0 && upTo > from) this.#forget(upTo)
    if (this.#ahead.size > 0) for (const pos of positions) if (pos > upTo) this.#saveAhead(pos)
  }

  clear(): void {
    this.#upTo = undefined
  }

  #load(): number {
    if (this.#upTo !== undefined) return this.#upTo
    this.#upTo = Number(this.#read('relayed')?.value)
    this.#ahead = new Set(this.#readAhead(this.#upTo).map((row) => row.pos))
    return this.#upTo
  }
}
