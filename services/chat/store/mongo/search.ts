import type { MessageEntry } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import type { Filter } from 'mongodb'
import type { Member } from '../../conversation.ts'
import { senderGram, wantedFor } from '../grams.ts'
import { isNamed, LINK_TERM, matches } from '../matches.ts'
import type { InboxStore, MessageSearch, MessagesFound, SearchStore } from '../store.ts'
import type { Amend } from './amendments.ts'
import type { Collections, SearchDocument } from './collections.ts'
import { answered, READ } from './connection.ts'
import { entryOf, readRange } from './entries.ts'
import { gate } from './gate.ts'
import type { Heads } from './heads.ts'
import { BLOCK, type SearchIndex } from './search-index.ts'

const BUDGET_MS = 1_000
/** Searches at once in this process, and blocks that one reads side by side. */
const SEARCHES_AT_ONCE = 8
const BLOCKS_AT_ONCE = 8
/** Conversations that one query names. */
const NAMED_AT_ONCE = 1_000
/** Blocks that may have it, of one stretch of time: of more than that a shorter stretch is looked through. */
const CANDIDATES_MAX = 2_000
const DAY_MS = 86_400_000
/** What is older than so many days is looked through at once. */
const OLD_DAYS = 80

/** Where the stretch of time begins that ends there: the older, the longer, so that there are few of them. */
function beginningOf(end: number): number {
  const age = Date.now() - end
  return age > OLD_DAYS * DAY_MS ? 0 : end - Math.max(DAY_MS, 8 * age)
}

type Block = Pick<SearchDocument, 'conversationId' | 'block' | 'last'>

/** Where a message is among all: by time, then by conversation, then by `seq`. */
interface Place {
  at: number
  conversationId: string
  seq: number
}

/**
 * Looks through the blocks of the asker's conversations that may have what is looked for, stretch of time by stretch of time from
 * the newest on, so that what many messages have is found without a look at the old ones.
 */
export function openSearch(parts: {
  collections: Pick<Collections, 'log' | 'search' | 'conversations'>
  inbox: Pick<InboxStore, 'conversationIds'>
  heads: Heads
  amend: Amend
  index: SearchIndex
}): SearchStore {
  const { inbox, heads, amend, index } = parts
  const { log, search: blocks, conversations } = parts.collections
  const inTurn = gate(SEARCHES_AT_ONCE)

  async function find(search: MessageSearch): Promise<MessagesFound> {
    const deadline = performance.now() + (search.budgetMs ?? BUDGET_MS)
    const mine = await conversationsOf(search)
    const below = placeOf(search.below)
    const newest = Math.min(below.at + 1, search.before ?? Number.MAX_SAFE_INTEGER)
    const oldest = search.since ?? 0
    const found = new Found(search.limit)
    const windows = new Map<string, Promise<Member | undefined>>()
    let end = Math.min(newest, Date.now() + DAY_MS)
    while (end > oldest && mine.length > 0) {
      let begin = Math.max(oldest, beginningOf(end))
      let candidates = await candidatesIn(search, mine, begin, end)
      while (candidates.length > CANDIDATES_MAX && end - begin > 1) {
        begin = end - Math.ceil((end - begin) / 8)
        candidates = await candidatesIn(search, mine, begin, end)
      }
      const rest = await lookThrough(search, candidates, { begin, end, below, found, windows, deadline })
      if (found.isFull || rest !== undefined) return reply(mine, found, found.next(rest))
      end = begin
      if (end > oldest && end < below.at && performance.now() > deadline)
        return reply(mine, found, { at: end, conversationId: '', seq: 0 })
    }
    return reply(mine, found, undefined)
  }

  async function conversationsOf({ userId, within }: MessageSearch): Promise<string[]> {
    const all = await inbox.conversationIds(userId, LIMITS.conversationsPerUser)
    if (!within) return all
    const ids = new Set(within.ids)
    if (within.titles.length > 0) {
      for (const chunk of chunksOf(all)) {
        const options = { ...READ, projection: { title: 1 } }
        for (const { _id, title } of await conversations.find({ _id: { $in: chunk } }, options).toArray())
          if (isNamed(title, within.titles)) ids.add(_id)
      }
    }
    return all.filter((id) => ids.has(id))
  }

  /** The blocks that may have it, with messages of that stretch of time; the newest first. */
  async function candidatesIn(search: MessageSearch, mine: readonly string[], begin: number, end: number) {
    const wanted = wantedFor([...search.terms, ...(search.link ? [LINK_TERM] : [])]).map(({ gram }) => gram)
    const senders = search.senderIds?.map(senderGram)
    const options = { ...READ, limit: CANDIDATES_MAX + 1, projection: { conversationId: 1, block: 1, last: 1, _id: 0 } }
    const found = await Promise.all(
      chunksOf(mine).map((chunk) => {
        const filter: Filter<SearchDocument> = {
          conversationId: { $in: chunk },
          last: { $gte: new Date(begin) },
          first: { $lt: new Date(Math.min(end, MAX_TIME)) },
        }
        if (wanted.length > 0) filter.grams = { $all: wanted }
        if (senders) filter.$and = [{ grams: { $in: senders } }]
        return blocks.find(filter, options).toArray()
      }),
    )
    return (found.flat() as Block[]).sort((a, b) => b.last.getTime() - a.last.getTime())
  }

  /** Reads and compares. Gives where it had to stop. */
  async function lookThrough(
    search: MessageSearch,
    candidates: readonly Block[],
    about: {
      begin: number
      end: number
      below: Place
      found: Found
      windows: Map<string, Promise<Member | undefined>>
      deadline: number
    },
  ): Promise<Place | undefined> {
    const { begin, end, below, found, windows, deadline } = about
    const amended = new Map<string, Promise<void>>()
    for (let from = 0; from < candidates.length; from += BLOCKS_AT_ONCE) {
      const last = candidates[from]!.last.getTime()
      // All that is left is older than what fills the page.
      if (found.isFull && found.oldest > last) return undefined
      // At least one moment further than where it began, so that every page goes on.
      if (performance.now() > deadline && last + 1 < below.at)
        return { at: Math.min(last + 1, end), conversationId: '', seq: 0 }
      await Promise.all(candidates.slice(from, from + BLOCKS_AT_ONCE).map(lookInto))
    }
    return undefined

    async function lookInto({ conversationId, block }: Block): Promise<void> {
      const ready = amended.get(conversationId) ?? amend(conversationId)
      amended.set(conversationId, ready)
      await ready
      const first = block * BLOCK + 1
      for (const document of await readRange(log, 'seq', conversationId, first, first + BLOCK - 1)) {
        const at = document.createdAt.getTime()
        if (at < begin || at >= end || !matches(search, document.text ?? '', document.senderId, at)) continue
        const entry = entryOf(document)
        if (entry.kind !== 'message' || !isBelow({ at, conversationId, seq: entry.seq }, below)) continue
        const window = windows.get(conversationId) ?? memberIn(conversationId, search.userId)
        windows.set(conversationId, window)
        const me = await window
        if (me && entry.seq >= me.fromSeq) found.add(entry)
      }
    }
  }

  async function memberIn(conversationId: string, userId: string): Promise<Member | undefined> {
    return (await heads.load(conversationId))?.conversation.members.get(userId)
  }

  async function reply(mine: readonly string[], found: Found, next: Place | undefined): Promise<MessagesFound> {
    const now = Date.now()
    const feed = await index.feedUpTo()
    const waiting = index.waiting(new Set(mine)) ?? now
    // In between are only those whose node died before it came to them: it is a minute or two until the feed does.
    const upTo = now - feed > FEED_LATE_MS ? Math.min(feed, waiting) : waiting
    return {
      messages: found.messages,
      ...(next && { next: `${next.at}~${next.conversationId}~${next.seq}` }),
      indexedUpTo: new Date(upTo).toISOString(),
      behind: now - upTo > 2_000,
    }
  }

  return { find: (search) => answered(inTurn(() => find(search))) }
}

const FEED_LATE_MS = 300_000
/** The last moment that a date can be. */
const MAX_TIME = 8_640_000_000_000_000

/** The newest of what was found. */
class Found {
  readonly #limit: number
  #all: MessageEntry[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(message: MessageEntry): void {
    this.#all.push(message)
    if (this.#all.length > this.#limit * 4) this.#trim()
  }

  get messages(): MessageEntry[] {
    this.#trim()
    return this.#all
  }

  get isFull(): boolean {
    return this.#all.length >= this.#limit
  }

  /** The time of the oldest that is on the page so far. */
  get oldest(): number {
    return Date.parse(this.messages.at(-1)?.createdAt ?? '')
  }

  /** Where the next page begins; `rest`: what is older than that was not looked through. */
  next(rest: Place | undefined): Place | undefined {
    if (rest) this.#all = this.#all.filter((message) => isBelow(rest, placeIn(message)))
    const last = this.isFull ? this.messages.at(-1) : undefined
    return last ? placeIn(last) : rest
  }

  #trim(): void {
    this.#all.sort((a, b) => (isBelow(placeIn(a), placeIn(b)) ? 1 : -1))
    this.#all.length = Math.min(this.#all.length, this.#limit)
  }
}

const placeIn = ({ createdAt, conversationId, seq }: MessageEntry): Place => ({
  at: Date.parse(createdAt),
  conversationId,
  seq,
})

function placeOf(text: string | undefined): Place {
  if (text === undefined) return { at: Number.MAX_SAFE_INTEGER - 1, conversationId: '', seq: 0 }
  const [at, conversationId = '', seq] = text.split('~')
  return { at: Number(at), conversationId, seq: Number(seq) }
}

function isBelow(a: Place, b: Place): boolean {
  if (a.at !== b.at) return a.at < b.at
  if (a.conversationId !== b.conversationId) return a.conversationId < b.conversationId
  return a.seq < b.seq
}

function chunksOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / NAMED_AT_ONCE) }, (_, n) =>
    ids.slice(n * NAMED_AT_ONCE, (n + 1) * NAMED_AT_ONCE),
  )
}
