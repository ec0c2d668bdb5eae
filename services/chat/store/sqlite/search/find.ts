import type { DatabaseSync } from 'node:sqlite'
import type { MessageEntry } from '@parley/protocol/conversation'
import type { Member } from '../../../conversation.ts'
import { wantedFor } from '../../grams.ts'
import { isNamed, LINK_TERM, matches } from '../../matches.ts'
import type { MessageSearch, MessagesFound } from '../../store.ts'
import { idBytes, idOf } from '../bytes.ts'
import { type ConversationRow, conversationOf, type MessageRow, messageOf, type StateRow, timeOf } from '../rows.ts'
import { all, one, READS } from '../statements.ts'
import { rangeOf, senderGram } from './cut.ts'
import type { IndexFile, Segment } from './index-file.ts'
import { eachList, eachPlace } from './postings.ts'

const BUDGET_MS = 30
/** The newest positions of the log that are looked through as they are when no segment has them yet. What is before them is not found until one has. */
export const unsealedMost = (size: number): number => size + 4_096
/** Between two looks at the clock. */
const LOOKS = 64

type Row = MessageRow & { conversation: number }

/**
 * Looks through the log from its newest end: what has no segment yet by reading it, then segment after segment. Of a segment only
 * the places that have every gram, and are in a conversation of the asker, are read and compared.
 */
export function openFinder(log: DatabaseSync, file: IndexFile) {
  const { size } = file
  const message = one<Row>(log, 'searchMessage')
  const unsealed = log.prepare(READS.searchUnsealed)
  const mineOf = all<{ conversation: number }>(log, 'searchMine')
  const titlesOf = all<{ key: number; title: string }>(log, 'searchTitles')
  const keyOf = one<{ key: number }>(log, 'conversation')
  const conversation = one<ConversationRow & { id: Uint8Array }>(log, 'conversationByKey')
  const state = one<StateRow>(log, 'messageState')
  const lastMessage = one<{ pos: number | null }>(log, 'lastMessagePos')
  const firstFrom = one<{ at: number }>(log, 'searchFirst')
  const nextChange = one<{ at: number }>(log, 'searchChange')
  const counts = new Uint8Array(size)

  return (search: MessageSearch): MessagesFound => {
    const deadline = performance.now() + (search.budgetMs ?? BUDGET_MS)
    const mine = conversationsOf(search)
    const windows = new Map<number, { id: string; me: Member | undefined }>()
    const found: MessageEntry[] = []
    const head = lastMessage()?.pos ?? 0
    const sealed = file.sealed * size
    const newest = Math.max(sealed, head - unsealedMost(size) + 1)
    const below = search.below === undefined ? head + 1 : Number(search.below)
    const reply = (next?: number): MessagesFound => ({
      messages: found,
      ...(next !== undefined && next > 0 && mine.size > 0 && { next: String(next) }),
      ...coverage(newest > sealed ? sealed : undefined),
    })
    if (mine.size === 0) return reply()

    let looks = 0
    /** Compares a row; gives whether it is time to stop. */
    const look = (row: Row | undefined): boolean => {
      if (row && mine.has(row.conversation) && isFound(row)) found.push(entryOf(row))
      return found.length >= search.limit || (++looks % LOOKS === 0 && performance.now() > deadline)
    }
    const isFound = ({ conversation, seq, text, sender, at, expires }: Row): boolean => {
      if (expires !== null && expires <= Date.now()) return false
      if (!matches(search, text, idOf(sender), at)) return false
      const { me } = windowOf(conversation)
      return me !== undefined && seq >= me.fromSeq
    }
    const windowOf = (key: number) => {
      const known = windows.get(key) ?? readWindow(key, search.userId)
      windows.set(key, known)
      return known
    }
    const entryOf = (row: Row): MessageEntry =>
      messageOf(windowOf(row.conversation).id, row, state(row.conversation, row.seq))

    if (below > newest) {
      for (const row of unsealed.iterate(newest, below - 1, idBytes(search.userId)) as Iterable<unknown>)
        if (look(row as Row)) return reply((row as Row).pos)
    }
    const wanted = wantedFor([...search.terms, ...(search.link ? [LINK_TERM] : [])]).map(rangeOf)
    const senders = search.senderIds?.map((id) => [senderGram(id), senderGram(id)] as const)
    for (let number = Math.floor((Math.min(below, sealed) - 1) / size); number >= 0; number--) {
      const segment = file.segment(number)
      const places = segment && !isOutside(search, segment) ? placesIn(number, segment, wanted, senders) : []
      for (let at = places.length - 1; at >= 0; at--) {
        const place = places[at]!
        const pos = number * size + place
        if (pos >= below || !mine.has(segment!.conversations[place]!)) continue
        if (look(message(pos))) return reply(pos)
      }
      // After it, so that every page goes on.
      if (performance.now() > deadline) return reply(number * size)
    }
    return reply()
  }

  /** The keys of the conversations that are looked in, of those that the asker is in. */
  function conversationsOf({ userId, within }: MessageSearch): Set<number> {
    const user = idBytes(userId)
    const mine = new Set(mineOf(user).map((row) => row.conversation))
    if (!within) return mine
    const named = within.titles.length > 0 ? titlesOf(user).filter((row) => isNamed(row.title, within.titles)) : []
    const keys = within.ids.flatMap((id) => keyOf(idBytes(id))?.key ?? [])
    // Of one that the asker is not in not even how long a look through it takes is told.
    return new Set([...named.map((row) => row.key), ...keys.filter((key) => mine.has(key))])
  }

  /** What membership shows of a conversation. */
  function readWindow(key: number, userId: string): { id: string; me: Member | undefined } {
    const row = conversation(key)
    if (!row) return { id: '', me: undefined }
    const id = idOf(row.id)
    return { id, me: conversationOf(id, row, undefined).members.get(userId) }
  }

  /** The places that have all that is wanted, ascending. */
  function placesIn(number: number, segment: Segment, wanted: readonly Range[], senders: readonly Range[] | undefined) {
    counts.fill(0)
    let rounds = 0
    const keep = (ranges: readonly Range[]): boolean => {
      let kept = 0
      const take = (place: number): void => {
        if (counts[place] !== rounds) return
        counts[place] = rounds + 1
        kept++
      }
      for (const [first, last] of ranges)
        for (const block of file.blocks(number, segment, first, last))
          eachList(block, first, last, (start, end) => eachPlace(block, start, end, size, take))
      rounds++
      return kept > 0
    }
    const places: number[] = []
    if (!wanted.every((range) => keep([range])) || (senders && !keep(senders))) return places
    for (let place = 0; place < size; place++) if (counts[place] === rounds) places.push(place)
    return places
  }

  /** How far the index has come. `sealed`: where it ends, if something above that was not looked at. */
  function coverage(sealed: number | undefined): Pick<MessagesFound, 'indexedUpTo' | 'behind'> {
    const now = Date.now()
    const missing = sealed === undefined ? undefined : firstFrom(sealed)?.at
    const change = nextChange(file.changes)?.at
    const upTo = Math.min(now, missing ?? now, change ?? now)
    return { indexedUpTo: timeOf(upTo), behind: now - upTo > 2_000 }
  }
}

/** Grams from the first to the last. */
type Range = readonly [first: number, last: number]

const isOutside = ({ before, since }: MessageSearch, { firstAt, lastAt }: Segment): boolean =>
  (before !== undefined && firstAt >= before) || (since !== undefined && lastAt < since)
