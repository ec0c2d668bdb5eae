import { setTimeout as after } from 'node:timers/promises'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import { ObjectId } from 'mongodb'
import { beginningsOf, GRAMS_VERSION, gramsOf, senderGram } from '../grams.ts'
import type { Amend } from './amendments.ts'
import type { Collections, LogDocument, SearchDocument } from './collections.ts'
import { BOUNDED, isDuplicate, READ } from './connection.ts'
import { readRange } from './entries.ts'

/** Messages of a conversation in one document of the index: those with `seq` from n × 64 + 1 on. */
export const BLOCK = 64

/** What is committed here is gathered for so long. */
const GATHER_MS = 300
const AT_ONCE = 4
const ENTRIES_AT_ONCE = 500
/** The log is looked through, in the order in which it was written, up to so long ago: an entry that was slow to be written is there by then. */
const FEED_LAG_MS = 60_000
const FEED_EVERY_MS = 15_000
const FEED_PAGE = 1_000
/** What a node that is stopped may take to index what it has committed. */
const FLUSH_MS = 2_000
/** Conversations noted here that wait; what is above it is found by the feed. */
const NOTED_MAX = 50_000

/** Keeps the index of texts up to the log. */
export interface SearchIndex {
  /** These are committed: to be indexed soon. */
  note(entries: readonly Entry[]): void
  /** Since when, in milliseconds, something of these conversations waits to be indexed here; and how far the log was looked through. */
  waiting(conversationIds: ReadonlySet<string>): number | undefined
  /** All that was committed before this moment, on any node, is in the index: unless something is in `waiting`. */
  feedUpTo(): Promise<number>
  close(): Promise<void>
}

/**
 * The node that committed something indexes it, within a second. Should it die before, some other finds it in the log a minute
 * later: the log is looked through once by every node in turn, from where the last one has come to (`searched`, `feed`). Two that
 * do the same do no harm. A document is worked out from the present texts of its messages and says as of which entry; it is
 * written over one of an earlier entry only. So what a deletion took out never comes back by one who was slow.
 */
export function openSearchIndex(parts: {
  collections: Pick<Collections, 'log' | 'search' | 'searched'>
  amend: Amend
  logger: Log | undefined
}): SearchIndex {
  const { amend, logger } = parts
  const { log, search, searched } = parts.collections
  /** Since when each conversation waits, and those that are being indexed. */
  const noted = new Map<string, number>()
  const underWay = new Map<string, number>()
  const closing = new AbortController()
  const loops = [repeat(GATHER_MS, indexNoted), repeat(FEED_EVERY_MS, feed)]
  let closed = false

  async function indexNoted(): Promise<void> {
    while (noted.size > 0 && !closing.signal.aborted) {
      const ids = [...noted.keys()].slice(0, AT_ONCE)
      await Promise.all(ids.map(indexOne))
    }
  }

  async function indexOne(id: string): Promise<void> {
    const since = noted.get(id)!
    underWay.set(id, since)
    // First: what is committed from here on is noted anew.
    noted.delete(id)
    try {
      await indexConversation(id)
    } catch (error) {
      noted.set(id, since)
      throw error
    } finally {
      underWay.delete(id)
    }
  }

  async function indexConversation(conversationId: string): Promise<void> {
    let rev = (await searched.findOne({ _id: conversationId }, BOUNDED))?.rev ?? 0
    while (!closing.signal.aborted) {
      const range = { conversationId, rev: { $gt: rev, $lte: rev + ENTRIES_AT_ONCE } }
      const projection = { rev: 1, kind: 1, seq: 1, about: 1 } as const
      const entries = await log.find(range, { ...READ, projection }).toArray()
      entries.sort((a, b) => a.rev - b.rev)
      // A scan that yields may have passed over one that another writer was slow with.
      const dense = entries.findIndex((entry, n) => entry.rev !== rev + 1 + n)
      const known = dense < 0 ? entries : entries.slice(0, dense)
      const upTo = known.at(-1)?.rev
      if (upTo === undefined) return
      await amend(conversationId)
      for (const block of blocksOf(known)) await indexBlock(conversationId, block, upTo)
      crashPoint('search.before-commit')
      await raise({ _id: conversationId }, { rev: upTo })
      rev = upTo
    }
  }

  /** From the texts as they are now, which show every entry up to `rev`. */
  async function indexBlock(conversationId: string, block: number, rev: number): Promise<void> {
    const found = await readRange(log, 'seq', conversationId, block * BLOCK + 1, (block + 1) * BLOCK)
    const document = documentOf(found, rev)
    const older = { _id: `${conversationId}/${block}`, conversationId, rev: { $lt: rev } }
    if (document) await replaceOlder(older, { ...document, block })
  }

  async function replaceOlder(
    older: { _id: string; conversationId: string; rev: { $lt: number } },
    document: Omit<SearchDocument, '_id' | 'conversationId'>,
  ): Promise<void> {
    try {
      await search.updateOne(older, { $set: document }, { ...BOUNDED, upsert: true })
    } catch (error) {
      if (!isDuplicate(error)) throw error
      // It is there: as of `rev` or later (done), or just made by another as of an earlier one.
      await search.updateOne(older, { $set: document }, BOUNDED)
    }
  }

  async function raise(which: { _id: string }, to: { rev: number } | { upTo: ObjectId }): Promise<void> {
    try {
      await searched.updateOne(which, { $max: to }, { ...BOUNDED, upsert: true })
    } catch (error) {
      if (!isDuplicate(error)) throw error
      await searched.updateOne(which, { $max: to }, BOUNDED)
    }
  }

  /** What other nodes committed and did not come to index, and what is older than the index. */
  async function feed(): Promise<void> {
    await forgetOtherVersion()
    let upTo = (await searched.findOne({ _id: 'feed' }, BOUNDED))?.upTo ?? ObjectId.createFromTime(0)
    for (;;) {
      const end = ObjectId.createFromTime(Math.floor((Date.now() - FEED_LAG_MS) / 1_000))
      const options = {
        ...READ,
        sort: { _id: 1 },
        limit: FEED_PAGE,
        projection: { conversationId: 1, rev: 1 },
      } as const
      const entries = await log.find({ _id: { $gt: upTo, $lt: end } }, options).toArray()
      await indexMissing(entries)
      const last = entries.at(-1)?._id
      if (closing.signal.aborted) return
      upTo = last ?? end
      await raise({ _id: 'feed' }, { upTo })
      if (entries.length < FEED_PAGE) return
    }
  }

  async function indexMissing(entries: readonly Pick<LogDocument, 'conversationId' | 'rev'>[]): Promise<void> {
    const heads = new Map<string, number>()
    for (const { conversationId, rev } of entries)
      heads.set(conversationId, Math.max(rev, heads.get(conversationId) ?? 0))
    if (heads.size === 0) return
    const known = await searched.find({ _id: { $in: [...heads.keys()] } }, READ).toArray()
    const revs = new Map(known.map(({ _id, rev }) => [_id, rev ?? 0]))
    const missing = [...heads].filter(([id, rev]) => (revs.get(id) ?? 0) < rev).map(([id]) => id)
    for (let at = 0; at < missing.length && !closing.signal.aborted; at += AT_ONCE)
      await Promise.all(missing.slice(at, at + AT_ONCE).map(indexConversation))
  }

  /** An index that was cut in another way is of no use. */
  async function forgetOtherVersion(): Promise<void> {
    const about = await searched.findOne({ _id: 'version' }, BOUNDED)
    if (about?.rev === GRAMS_VERSION) return
    if (about) {
      await search.deleteMany({})
      await searched.deleteMany({ _id: { $ne: 'version' } })
    }
    await searched.updateOne({ _id: 'version' }, { $set: { rev: GRAMS_VERSION } }, { ...BOUNDED, upsert: true })
  }

  async function repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    let failing = false
    // The first look waits too: it must not be in the way of what starts.
    for (let waitMs = GATHER_MS; ; waitMs = everyMs) {
      try {
        await after(waitMs * (0.75 + Math.random() / 2), undefined, { signal: closing.signal, ref: false })
        await work()
        failing = false
      } catch (error) {
        if (closing.signal.aborted) return
        if (!failing) logger?.warn({ err: error }, 'messages cannot be indexed for the moment')
        failing = true
      }
    }
  }

  return {
    note(entries) {
      for (const { conversationId } of entries) {
        // The first of those that wait says since when; the work itself reads all there is.
        if (!noted.has(conversationId) && noted.size < NOTED_MAX) noted.set(conversationId, Date.now())
      }
    },
    waiting(conversationIds) {
      let first: number | undefined
      for (const map of [noted, underWay])
        for (const [id, at] of map) if (conversationIds.has(id)) first = Math.min(first ?? at, at)
      return first
    },
    async feedUpTo() {
      const found = await searched.findOne({ _id: 'feed' }, BOUNDED)
      return found?.upTo?.getTimestamp().getTime() ?? 0
    },
    async close() {
      if (closed) return
      closed = true
      // What is left would be found by others, a minute later.
      await Promise.race([indexNoted().catch(() => {}), after(FLUSH_MS, undefined, { ref: false })])
      closing.abort()
      await Promise.all(loops)
    },
  }
}

function blocksOf(entries: readonly Pick<LogDocument, 'kind' | 'seq' | 'about'>[]): Set<number> {
  const seqs = entries.flatMap(({ kind, seq, about }) => {
    if (kind === 'message') return [seq ?? 0]
    return kind === 'message.edited' || kind === 'message.deleted' ? [about ?? 0] : []
  })
  return new Set(seqs.filter((seq) => seq > 0).map((seq) => Math.floor((seq - 1) / BLOCK)))
}

function documentOf(
  messages: readonly LogDocument[],
  rev: number,
): Omit<SearchDocument, '_id' | 'conversationId' | 'block'> | undefined {
  if (messages.length === 0) return undefined
  const grams = new Set<string>()
  for (const message of messages) {
    const { text = '', senderId } = message
    // What disappears has no place in an index, from which it could not be taken out in time.
    if (text === '' || (message.kind === 'message' && message.expiresAt !== undefined)) continue
    for (const gram of gramsOf(text)) grams.add(gram)
    grams.add(senderGram(senderId))
  }
  const times = messages.map(({ createdAt }) => createdAt.getTime())
  const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))]
  return { rev, first, last, grams: [...beginningsOf(grams)] }
}
