import type { DatabaseSync } from 'node:sqlite'
import { idBytes } from './bytes.ts'
import type { Head } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import type { Packed } from './pack.ts'
import { MARK_WIDTH, MARKED_WIDTH } from './round.ts'
import { one, write } from './statements.ts'

/** Raises marks, within a round's transaction; however often one moves in a round, it is written once. */
export class MarkRounds {
  readonly #inboxes: Inboxes
  readonly #read
  readonly #save
  readonly #moved = new Map<Head, Set<string>>()

  constructor(db: DatabaseSync, inboxes: Inboxes) {
    this.#inboxes = inboxes
    this.#read = one<{ delivered: number; read: number }>(db, 'mark')
    this.#save = write(db, 'mark')
  }

  /** Carries out the marks in their order; gives `MARKED_WIDTH` values for each. */
  run(round: Packed): Float64Array {
    const { marks } = round
    const marked = new Float64Array((marks.length / MARK_WIDTH) * MARKED_WIDTH)
    for (let n = 0, to = 0; n < marks.length; n += MARK_WIDTH, to += MARKED_WIDTH) {
      const [conversation, user, delivered, read] = [marks[n]!, marks[n + 1]!, marks[n + 2]!, marks[n + 3]!]
      const head = round.head(conversation)
      if (head) marked.set(this.#raise(head, round.id(user), delivered, read), to)
    }
    for (const [head, users] of this.#moved) {
      for (const userId of users) {
        const mark = head.marks.get(userId)
        if (mark) this.#save(head.key, idBytes(userId), mark.delivered, mark.read)
        this.#inboxes.raiseForMark(head, userId)
      }
    }
    this.#moved.clear()
    return marked
  }

  clear(): void {
    this.#moved.clear()
  }

  #raise(head: Head, userId: string, delivered: number, read: number): number[] {
    const mark = this.#find(head, userId)
    const readTo = Math.max(mark.read, Math.min(read, head.headSeq))
    const deliveredTo = Math.max(mark.delivered, Math.min(delivered, head.headSeq), readTo)
    const changed = readTo > mark.read || deliveredTo > mark.delivered
    if (changed) {
      mark.read = readTo
      mark.delivered = deliveredTo
      const users = this.#moved.get(head)
      if (users) users.add(userId)
      else this.#moved.set(head, new Set([userId]))
    }
    return [deliveredTo, readTo, changed ? 1 : 0]
  }

  #find(head: Head, userId: string): { delivered: number; read: number } {
    const cached = head.marks.get(userId)
    if (cached) return cached
    const mark = this.#read(head.key, idBytes(userId)) ?? { delivered: 0, read: 0 }
    head.marks.set(userId, mark)
    return mark
  }
}
