import type { DatabaseSync } from 'node:sqlite'
import { idBytes } from './bytes.ts'
import type { Extras } from './rows.ts'
import { write } from './statements.ts'

/** Stands for everybody. */
export const EVERYBODY = new Uint8Array(0)

/** Keeps whom messages name where it is found by who is named, within a round's transaction. */
export class Mentions {
  readonly #insert
  readonly #delete

  constructor(db: DatabaseSync) {
    this.#insert = write(db, 'mention')
    this.#delete = write(db, 'clearMentions')
  }

  /** Of the message with that `seq` in the conversation with that key. */
  add(key: number, seq: number, sender: Uint8Array, { mentions = [], mentionsAll }: Extras): void {
    if (mentionsAll) this.#insert(EVERYBODY, key, seq, sender)
    else for (const userId of mentions) this.#insert(idBytes(userId), key, seq, sender)
  }

  clear(key: number, seq: number): void {
    this.#delete(key, seq)
  }
}
