import type { Entry } from '@parley/protocol/conversation'
import { asOf, withoutText } from '@parley/protocol/message-change'
import type { Collections, LogDocument } from './collections.ts'
import { BOUNDED, READ } from './connection.ts'
import { isExpired, PRESENT, withTexts } from './entries.ts'

/** Own entries remembered until they are relayed. What is above it is taken up from the log, as a dead process's would be. */
const OWN_MAX = 20_000
/** Pending entries of others that one look covers. */
const WATCHED_MAX = 5_000

/** The entries that are committed and not yet relayed: this process's own from memory, the others' from the log. */
export function openOutbox(log: Collections['log']) {
  const own = new Map<string, Entry>()
  const listeners = new Set<() => void>()
  let watched = new Map<string, number>()

  return {
    /** Entries that this process committed; those who listen are told. */
    committed(entries: readonly Entry[]): void {
      for (const entry of entries) if (own.size < OWN_MAX) own.set(keyOf(entry), entry)
      for (const listener of listeners) listener()
    },

    onCommit(handle: () => void): Disposable {
      const listener = () => handle()
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },

    async own(limit: number): Promise<Entry[]> {
      const first: Entry[] = []
      const now = Date.now()
      for (const entry of own.values()) {
        if (first.length >= limit) break
        // It may have waited for the bus longer than it lasts.
        first.push(entry.kind === 'message' ? asOf(entry, now) : entry)
      }
      return withLastingTexts(log, first)
    },

    /** Those not of this process that it has itself seen pending for `watchedMs`, by its own clock. */
    async left(limit: number, watchedMs: number): Promise<Entry[]> {
      const now = performance.now()
      const pending = (await readKeys(log)).filter((key) => !own.has(keyOf(key)))
      watched = new Map(pending.map((key) => [keyOf(key), watched.get(keyOf(key)) ?? now]))
      const due = pending.filter((key) => now - (watched.get(keyOf(key)) ?? now) >= watchedMs).slice(0, limit)
      return readPending(log, due)
    },

    /** Marks them relayed, for good. */
    async relayed(conversationId: string, entries: readonly Entry[]): Promise<void> {
      const revs = entries.map((entry) => entry.rev)
      await log.updateMany({ conversationId, rev: { $in: revs } }, { $unset: { outbox: '' } }, BOUNDED)
      for (const entry of entries) own.delete(keyOf(entry))
    },
  }
}

/** Of edits the text only where it is still to be read: it may have waited for the bus longer than the message lasts. */
async function withLastingTexts(log: Collections['log'], entries: Entry[]): Promise<Entry[]> {
  const edits = entries.filter((entry) => entry.kind === 'message.edited')
  if (edits.length === 0) return entries
  const gone = new Set<string>()
  await Promise.all(
    [...Map.groupBy(edits, ({ conversationId }) => conversationId)].map(async ([conversationId, those]) => {
      const filter = { conversationId, seq: { $in: those.map(({ seq }) => seq) } }
      const found = await log.find(filter, { ...READ, projection: PRESENT }).toArray()
      for (const message of found) if (isExpired(message)) gone.add(`${conversationId} ${message.seq}`)
    }),
  )
  return entries.map((entry) =>
    entry.kind === 'message.edited' && gone.has(`${entry.conversationId} ${entry.seq}`) ? withoutText(entry) : entry,
  )
}

type Key = Pick<LogDocument, 'conversationId' | 'rev' | 'outbox'>

const keyOf = ({ conversationId, rev }: { conversationId: string; rev: number }): string => `${conversationId} ${rev}`

/** Every document with a mark, whenever it was set: the range that makes the sparse index usable. */
export const PENDING = { $gte: new Date(0) }

/** The oldest pending ones; in their order within each conversation, whatever the clocks of their appenders said. */
async function readKeys(log: Collections['log']): Promise<Key[]> {
  const projection = { _id: 0, conversationId: 1, rev: 1, outbox: 1 }
  const options = { ...READ, projection, sort: { outbox: 1 }, limit: WATCHED_MAX } as const
  const keys = await log.find<Key>({ outbox: PENDING }, options).toArray()
  return keys.sort(byPlace)
}

function byPlace(a: Key, b: Key): number {
  if (a.conversationId === b.conversationId) return a.rev - b.rev
  return a.conversationId < b.conversationId ? -1 : 1
}

/** What is still pending of these, in their order. Found by their marks, so that shards without any have nothing to do. */
async function readPending(log: Collections['log'], keys: readonly Key[]): Promise<Entry[]> {
  if (keys.length === 0) return []
  const marks = keys.flatMap(({ outbox }) => (outbox ? [outbox] : []))
  const found = await log
    .find({ outbox: { $in: marks } }, { ...READ, projection: PRESENT, limit: WATCHED_MAX })
    .toArray()
  const byConversation = Map.groupBy(found, ({ conversationId }) => conversationId)
  const entries = await Promise.all([...byConversation].map(([id, documents]) => withTexts(log, id, documents)))
  const byKey = new Map(entries.flat().map((entry) => [keyOf(entry), entry]))
  return keys.flatMap((key) => byKey.get(keyOf(key)) ?? [])
}
