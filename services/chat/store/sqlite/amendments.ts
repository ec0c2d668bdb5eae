import type { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import type { MessageEntry } from '@parley/protocol/conversation'
import { changed, type MessageChange, mentionsOf } from '@parley/protocol/message-change'
import type { Erasure } from './erasure.ts'
import type { Mentions } from './mentions.ts'
import { type Extras, type MessageRow, messageOf, type StateRow } from './rows.ts'
import { one, write } from './statements.ts'

/**
 * Carries out changes of messages, within a round's transaction. The text is changed in the message's own row, which sending
 * writes as ever; what else became of a message stands beside it, in a row that only changed messages have.
 */
export class Amendments {
  readonly #message
  readonly #state
  readonly #saveText
  readonly #saveState
  readonly #saveVersion
  readonly #erasure: Erasure
  readonly #saveExtras
  readonly #mentions: Mentions

  constructor(db: DatabaseSync, mentions: Mentions, erasure: Erasure) {
    this.#mentions = mentions
    this.#message = one<MessageRow>(db, 'messageBySeq')
    this.#state = one<StateRow>(db, 'messageState')
    this.#saveText = write(db, 'messageText')
    this.#saveExtras = write(db, 'messageExtras')
    this.#saveState = write(db, 'messageState')
    this.#saveVersion = write(db, 'version')
    this.#erasure = erasure
  }

  /** Makes the change, which is the next of the conversation with that key. `erased` for an edit that came after the deletion: nothing of it may be kept. `expires`: when the message disappears, 0 for never. */
  apply(key: number, change: MessageChange, at: number): { erased: boolean; expires: number } {
    const { seq } = change
    const row = this.#message(key, seq)
    if (!row) return { erased: false, expires: 0 }
    const state = this.#state(key, seq)
    const before = messageOf(change.conversationId, row, state)
    const after = changed(before, change)
    let [textRev, textAt] = [state?.text_rev ?? null, state?.text_at ?? null]
    if (change.kind === 'message.edited' && !after.deleted) {
      const named = mentionsOf(before)
      const kept = Object.keys(named).length > 0 ? JSON.stringify(named) : null
      this.#saveVersion(key, seq, textRev ?? row.rev, textAt ?? row.at, row.text, kept)
      this.#saveText(after.text, row.pos)
      this.#name(key, row, before, after)
      textRev = change.rev
      textAt = at
    }
    // One that has disappeared may not have been erased yet.
    if (change.kind === 'message.deleted' && row.hash.length > 0) {
      this.#erasure.erase(key, row, textRev)
      textRev = null
      textAt = null
    }
    const reactions = JSON.stringify(after.reactions ?? [])
    this.#saveState(key, seq, change.rev, textRev, textAt, after.edits ?? 0, after.deleted ? 1 : 0, reactions)
    return { erased: change.kind === 'message.edited' && after.deleted === true, expires: row.expires ?? 0 }
  }

  /** Whom the text names now, where that is anybody else than before. */
  #name(key: number, row: MessageRow, before: MessageEntry, after: MessageEntry): void {
    const { replyTo, mentions, mentionsAll, forwarded } = after
    const extras: Extras = {
      ...(replyTo !== undefined && { replyTo }),
      ...mentionsOf({ mentions, mentionsAll }),
      ...(forwarded && { forwarded }),
    }
    if (isDeepStrictEqual(mentionsOf(before), mentionsOf(after))) return
    this.#saveExtras(Object.keys(extras).length > 0 ? JSON.stringify(extras) : null, row.pos)
    this.#mentions.clear(key, row.seq)
    this.#mentions.add(key, row.seq, row.sender, extras)
  }
}
