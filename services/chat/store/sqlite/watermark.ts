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

  /** Marks positions as relayed, for good. `runs` holds the first and the last of each run of them. */
  relayed(runs: readonly number[]): void {
    const from = this.#load()
    const kept = this.#ahead.size
    if (kept === 0 && runs.length === 2 && runs[0] === from + 1) {
      this.#upTo = runs[1]!
      this.#save(this.#upTo)
      return
    }
    const positions = expand(runs)
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

/** The runs that make up these positions, in any order. */
export function runsOf(positions: readonly number[]): number[] {
  const runs: number[] = []
  for (const position of positions) {
    if (runs.length > 0 && runs.at(-1) === position - 1) runs[runs.length - 1] = position
    else runs.push(position, position)
  }
  return runs
}

function expand(runs: readonly number[]): number[] {
  const positions: number[] = []
  for (let n = 0; n < runs.length; n += 2)
    for (let position = runs[n]!; position <= runs[n + 1]!; position++) positions.push(position)
  return positions
}
