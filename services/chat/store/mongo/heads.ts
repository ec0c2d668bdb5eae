import type { Collections } from './collections.ts'
import { type Head, lags, loadHead, saveHead } from './conversations.ts'
import { Recent } from './recent.ts'

/** Members of cached conversations, all together: some tens of megabytes. */
const CACHED_MEMBERS = 200_000

/**
 * The heads that this process knows. A cached head was committed once; another process may have gone on since. Whoever
 * appends at one finds that out from the unique index, drops it and loads it again.
 */
export interface Heads {
  /** What is cached, or loads it. */
  known(conversationId: string): Promise<Head | undefined>
  /** What is cached if it goes at least as far as `enough` wants, or loads it. */
  knownWhen(conversationId: string, enough: (head: Head) => boolean): Promise<Head | undefined>
  /** Reads it: nothing acknowledged before the call is missing. */
  load(conversationId: string): Promise<Head | undefined>
  /** Keeps a head that was committed, unless a newer one is kept; writes the hint when that has fallen behind. */
  keep(head: Head): void
  /** Makes the conversation's document show everything up to the head's latest change. */
  save(head: Head): Promise<void>
  drop(conversationId: string): void
  /** Forgets all: the server was away, and it may come back as a restored copy that knows less. */
  clear(): void
  /** Resolves when no hint is being written. */
  settled(): Promise<unknown>
}

/** See `Heads`. */
export function openHeads(collections: Collections): Heads {
  const cache = new Recent<Head>(CACHED_MEMBERS)
  const hints = new Map<string, Promise<void>>()

  async function load(conversationId: string): Promise<Head | undefined> {
    const head = await loadHead(collections, conversationId)
    if (head) keep(head)
    return head
  }

  async function knownWhen(conversationId: string, enough: (head: Head) => boolean): Promise<Head | undefined> {
    const cached = cache.get(conversationId)
    return cached && enough(cached) ? cached : load(conversationId)
  }

  function keep(head: Head): void {
    const { id, rev, members } = head.conversation
    const cached = cache.get(id)
    if (cached && cached.conversation.rev > rev) return
    const kept = { ...head, savedRev: Math.max(head.savedRev, cached?.savedRev ?? 0) }
    cache.set(id, kept, 1 + members.size)
    if (lags(kept) && !hints.has(id)) hints.set(id, hint(kept))
  }

  async function save(head: Head): Promise<void> {
    await saveHead(collections.conversations, head)
    const cached = cache.get(head.conversation.id)
    const savedRev = head.conversation.rev
    if (cached && cached.savedRev < savedRev) {
      cache.set(head.conversation.id, { ...cached, savedRev }, 1 + cached.conversation.members.size)
    }
  }

  /** Nobody waits for a hint: one that fails costs the next reader a longer range. */
  async function hint(head: Head): Promise<void> {
    await save(head).catch(() => undefined)
    hints.delete(head.conversation.id)
  }

  return {
    known: (conversationId) => knownWhen(conversationId, () => true),
    knownWhen,
    load,
    keep,
    save,
    drop: (conversationId) => cache.delete(conversationId),
    clear: () => cache.clear(),
    settled: () => Promise.all(hints.values()),
  }
}
