import type { DatabaseSync } from 'node:sqlite'
import type { Conversation } from '../../conversation.ts'
import { idBytes, idOf } from './bytes.ts'
import { Cache } from './cache.ts'
import type { Head, Heads } from './heads.ts'
import { all, one, write } from './statements.ts'

/** The last stamp given out for a user, and the one up to which some device has synced. */
interface InboxHead {
  user: Uint8Array
  stamp: number
  synced: number
}

const CACHED_USERS = 20_000

/**
 * Raises inbox rows, within a round's transaction. A row is given a new stamp only if some device has synced past its
 * present one: no other device can miss the change. Who that is, is remembered per conversation (`Head.passed`), so that
 * a busy conversation costs nothing.
 */
export class Inboxes {
  readonly #heads: Heads
  /** In larger conversations a mark is seen by its own user only. */
  readonly #marksMembers: number
  readonly #users = new Cache<InboxHead>(CACHED_USERS)
  readonly #changed = new Set<InboxHead>()
  readonly #readHead
  readonly #saveHead
  readonly #readRow
  readonly #saveRow
  readonly #between

  constructor(db: DatabaseSync, heads: Heads, marksMembers: number) {
    this.#heads = heads
    this.#marksMembers = marksMembers
    this.#readHead = one<{ stamp: number; synced: number }>(db, 'inboxHead')
    this.#saveHead = write(db, 'inboxHead')
    this.#readRow = one<{ stamp: number }>(db, 'inboxRow')
    this.#saveRow = write(db, 'inboxRow')
    this.#between = all<{ id: Uint8Array }>(db, 'inboxBetween')
  }

  /** After a change of the conversation: rows come and go with their members, the others' are raised. */
  change(head: Head, before: Conversation | undefined): void {
    const { members } = head.state
    for (const userId of before?.members.keys() ?? []) {
      if (members.has(userId)) continue
      this.#place(head, userId, true)
      head.passed?.delete(userId)
    }
    for (const userId of members.keys()) {
      if (!before?.members.has(userId)) this.#place(head, userId, false)
    }
    this.raise(head)
  }

  /** For all members. */
  raise(head: Head): void {
    for (const userId of head.passed ?? head.state.members.keys()) this.#raiseOne(head, userId)
    head.passed = new Set()
  }

  /** For those who see the marks of this member. */
  raiseForMark(head: Head, userId: string): void {
    if (head.state.members.size <= this.#marksMembers) {
      this.raise(head)
      return
    }
    this.raiseFor(head, userId)
  }

  /** For this member alone. */
  raiseFor(head: Head, userId: string): void {
    if (!head.state.members.has(userId) || head.passed?.has(userId) === false) return
    this.#raiseOne(head, userId)
    head.passed?.delete(userId)
  }

  /** A device of the user has synced up to that stamp: what changes from now on in the rows it has passed is to be raised. */
  synced(userId: string, upTo: number): void {
    const user = this.#user(userId)
    const until = Math.min(upTo, user.stamp)
    if (until <= user.synced) return
    for (const { id } of this.#between(user.user, user.synced, until)) {
      const head = this.#heads.cached(idOf(id))
      if (head?.state.members.has(userId)) head.passed?.add(userId)
    }
    user.synced = until
    this.#changed.add(user)
  }

  /** At the end of a round: writes the heads that moved. */
  flush(): void {
    for (const { user, stamp, synced } of this.#changed) this.#saveHead(user, stamp, synced)
    this.#changed.clear()
  }

  trim(): void {
    this.#users.trim()
  }

  clear(): void {
    this.#users.clear()
    this.#changed.clear()
  }

  #raiseOne(head: Head, userId: string): void {
    const user = this.#user(userId)
    const row = this.#readRow(user.user, head.key)
    if (!row || row.stamp <= user.synced) this.#place(head, userId, false)
  }

  #place(head: Head, userId: string, gone: boolean): void {
    const user = this.#user(userId)
    user.stamp++
    this.#changed.add(user)
    this.#saveRow(user.user, head.key, user.stamp, gone ? 1 : 0)
  }

  #user(userId: string): InboxHead {
    const cached = this.#users.get(userId)
    if (cached) return cached
    const user = idBytes(userId)
    const { stamp, synced } = this.#readHead(user) ?? { stamp: 0, synced: 0 }
    const head = { user, stamp, synced }
    this.#users.set(userId, head)
    return head
  }
}
