import type { DatabaseSync } from 'node:sqlite'
import type { Conversation } from '../../conversation.ts'
import { idBytes } from './bytes.ts'
import { Cache } from './cache.ts'
import { type ConversationRow, conversationOf } from './rows.ts'
import { one } from './statements.ts'

/** The end of one conversation's log, as the writer knows it. Exact: nobody else writes while it is cached. */
export interface Head {
  readonly key: number
  rev: number
  headSeq: number
  membersRev: number
  /** As the latest change left it. */
  state: Conversation
  /** Marks that were looked at or moved since the head was loaded. */
  readonly marks: Map<string, { delivered: number; read: number }>
  /** The members of whom some device has synced past their inbox row: to be raised at the next change. Unknown until all were looked at. */
  passed: Set<string> | undefined
}

/** Finds the heads of conversations, in memory or in the tables. */
export class Heads {
  readonly #cache = conversationCache<Head>((head) => head.state)
  readonly #load: ReturnType<typeof conversationLoader>
  readonly #readLastKey: () => { key: number | null } | undefined
  #lastKey: number | undefined

  constructor(db: DatabaseSync) {
    this.#load = conversationLoader(db)
    this.#readLastKey = one<{ key: number | null }>(db, 'lastKey')
  }

  find(id: string): Head | undefined {
    const cached = this.#cache.get(id)
    if (cached) return cached
    const loaded = this.#load(id)
    return loaded && this.#keep(loaded.key, loaded.conversation)
  }

  /** The head, if it is in memory. */
  cached(id: string): Head | undefined {
    return this.#cache.get(id)
  }

  /** The head of a conversation that is being created. */
  add(state: Conversation): Head {
    this.#lastKey = (this.#lastKey ?? this.#readLastKey()?.key ?? 0) + 1
    return this.#keep(this.#lastKey, state)
  }

  #keep(key: number, state: Conversation): Head {
    const { rev, headSeq, membersRev } = state
    const head: Head = { key, rev, headSeq, membersRev, state, marks: new Map(), passed: undefined }
    this.#cache.set(state.id, head)
    return head
  }

  /** Between two rounds: bounds the memory. */
  trim(): void {
    this.#cache.trim()
  }

  /** After a round that was not committed. */
  clear(): void {
    this.#cache.clear()
    this.#lastKey = undefined
  }
}

/** Reads a conversation and its key: what the latest change left, and the last message. */
export function conversationLoader(
  db: DatabaseSync,
): (id: string) => { key: number; conversation: Conversation } | undefined {
  const conversation = one<ConversationRow>(db, 'conversation')
  const lastMessage = one<{ seq: number; rev: number }>(db, 'lastMessage')
  return (id) => {
    const row = conversation(idBytes(id))
    return row && { key: row.key, conversation: conversationOf(id, row, lastMessage(row.key)) }
  }
}

/** Members (of all conversations together) that one generation of a cache of conversations may hold. */
const CACHED_MEMBERS = 200_000

/** A cache of conversations, weighed by their members. */
export function conversationCache<Value>(of: (value: Value) => Conversation): Cache<Value> {
  return new Cache<Value>(CACHED_MEMBERS, (value) => 8 + of(value).members.size)
}
