import type { DatabaseSync } from 'node:sqlite'
import type { Mentions } from './mentions.ts'
import type { MessageRow, StateRow } from './rows.ts'
import { all, one, write } from './statements.ts'

/** Erases what messages said, within a round's transaction: every version of the text, and all from which it could be told. */
export class Erasure {
  readonly #db
  readonly #mentions
  readonly #expired
  readonly #state
  readonly #eraseMessage
  readonly #eraseVersions
  readonly #eraseEdits
  readonly #eraseState

  constructor(db: DatabaseSync, mentions: Mentions) {
    this.#db = db
    this.#mentions = mentions
    this.#expired = all<Pick<MessageRow, 'pos' | 'seq'> & { conversation: number }>(db, 'expired')
    this.#state = one<StateRow>(db, 'messageState')
    this.#eraseMessage = write(db, 'erasedMessage')
    this.#eraseVersions = write(db, 'erasedVersions')
    this.#eraseEdits = write(db, 'erasedEdits')
    this.#eraseState = write(db, 'erasedState')
  }

  /** Of one message; `textRev` is the edit that its text is of. What it leaves in the file is overwritten; elsewhere that would cost more than it is worth. */
  erase(key: number, { pos, seq }: Pick<MessageRow, 'pos' | 'seq'>, textRev: number | null): void {
    this.#overwriting(() => this.#erase(key, pos, seq, textRev))
  }

  /** Of at most `limit` that have disappeared by then; gives of how many. */
  sweep(now: number, limit: number): number {
    const rows = this.#expired(now, limit)
    this.#overwriting(() => {
      for (const { pos, conversation, seq } of rows) {
        this.#erase(conversation, pos, seq, this.#state(conversation, seq)?.text_rev ?? null)
        this.#eraseState(conversation, seq)
      }
    })
    return rows.length
  }

  #erase(key: number, pos: number, seq: number, textRev: number | null): void {
    this.#eraseMessage(pos)
    this.#eraseEdits(key, seq, textRev)
    this.#eraseVersions(key, seq)
    this.#mentions.clear(key, seq)
  }

  #overwriting(work: () => void): void {
    this.#db.exec('PRAGMA secure_delete = ON')
    try {
      work()
    } finally {
      this.#db.exec('PRAGMA secure_delete = OFF')
    }
  }
}
