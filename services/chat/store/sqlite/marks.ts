import type { DatabaseSync } from 'node:sqlite'
import { idBytes } from './bytes.ts'
import type { Head, Heads } from './heads.ts'
import type { Inboxes } from './inboxes.ts'
import { MARK_WIDTH, type Round } from './round.ts'
import { one, write } from './statements.ts'

/** Raises marks, within a round's transaction; however often one moves in a round, it is written once. */
export class MarkRounds {
  readonly #heads: Heads
  readonly #inboxes: Inboxes
  readonly #read
  readonly #save
  readonly #moved = new Map<Head, Set<string>>()

  constructor(db: DatabaseSync, heads: Heads, inboxes: Inboxes) {
    this.#heads = heads
    this.#inboxes = inboxes
    this.#read = one<{ delivered: number; read: number }>(db, 'mark')
    this.#save = write(db, 'mark')
  }

  /** Carries out the marks in their order; gives `MARKED_WIDTH` values for each. */
  run(marks: Round['marks']): number[] {
    const marked: number[] = []
    for (let n = 0; n < marks.length; n += MARK_WIDTH) {
      marked.push(...this.#raise(String(marks[n]), String(marks[n + 1]), Number(marks[n + 2]), Number(marks[n + 3])))
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

  #raise(conversationId: string, userId: string, delivered: number, read: number): number[] {
    const head = this.#heads.find(conversationId)
    if (!head) return [0, 0, 0]
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
