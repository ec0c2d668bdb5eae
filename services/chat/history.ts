import { Fault } from '@parley/kit/fault'
import type { Entry, LogPage, MessageEntry, MessagePage } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import { namesMessage } from '@parley/protocol/message-change'
import type { Member } from './conversation.ts'
import { type Cursors, expired } from './cursor.ts'
import type { Items } from './items.ts'
import { seenBy } from './membership/membership.ts'
import { hiddenAmong } from './own.ts'
import type { Gate } from './socket/gate.ts'
import type { ChatStore } from './store/store.ts'

/** What a page of messages is asked by: the newest, or what lies before, after or around a position (a cursor of a page, or a `seq`). */
interface PageQuery {
  limit: number
  before?: string | undefined
  after?: string | undefined
  around?: string | undefined
  /** Just those that have these `seq`s and may be seen. */
  seqs?: readonly number[] | undefined
  /** Around the first message of that time (RFC 3339) or later; the newest when there is none. */
  at?: string | undefined
}

/** What a conversation holds, for its members, each within the window that membership opened (P6). */
export interface History {
  messages(userId: string, conversationId: string, query: PageQuery): Promise<MessagePage>
  /** Entries above `rev`. `cursor.expired` above the head; `unavailable` when too many sync at once. */
  log(userId: string, conversationId: string, rev: number, limit: number): Promise<LogPage>
}

/** Pages of the log, which devices fetch after every absence, go through `gate`. */
export function openHistory(
  { log, own }: Pick<ChatStore, 'log' | 'own'>,
  items: Items,
  cursors: Cursors,
  gate: Gate,
  limits: Limits,
): History {
  function position(list: string, text: string): number {
    if (!/^\d{1,15}$/.test(text)) return cursors.read(list, text)
    return Number(text)
  }

  return {
    async messages(userId, conversationId, query) {
      const { conversation, me } = await seenBy(log, userId, conversationId)
      if (query.seqs) {
        const seen = query.seqs.filter((seq) => seq >= me.fromSeq)
        return { items: await items.named(await log.pickMessages(conversationId, seen)) }
      }
      const list = `messages:${conversationId}`
      const { headSeq } = conversation
      const seq =
        query.at === undefined
          ? seqOf(list, query, headSeq)
          : await firstAt(conversationId, me.fromSeq, headSeq, query.at)
      const [from, to] = rangeOf(query, seq, me.fromSeq, headSeq)
      const [messages, marks] =
        from <= to
          ? await Promise.all([log.readMessages(conversationId, from, to), own.among(userId, conversationId, from, to)])
          : [[], []]
      const events = await eventsOf(conversationId, me, from, to)
      const quoted = await quotedBy(userId, messages, me.fromSeq)
      return {
        items: await items.named(messages),
        ...(quoted.length > 0 && { quoted: await items.named(quoted) }),
        ...(marks.length > 0 && { own: marks }),
        ...events,
        ...(from > me.fromSeq && from <= to && { prevCursor: cursors.write(list, from) }),
        ...(to < headSeq && from <= to && { nextCursor: cursors.write(list, to) }),
      }
    },

    log: (userId, conversationId, rev, limit) => gate(() => entriesAbove(userId, conversationId, rev, limit)),
  }

  /** What these answer, where it is not among them, lies within the window (P6) and is not hidden by the user. */
  async function quotedBy(userId: string, messages: readonly MessageEntry[], fromSeq: number): Promise<MessageEntry[]> {
    const held = new Set(messages.map(({ seq }) => seq))
    const wanted = new Set(
      messages.flatMap(({ replyTo = 0 }) => (replyTo >= fromSeq && !held.has(replyTo) ? [replyTo] : [])),
    )
    const [first] = messages
    if (!first || wanted.size === 0) return []
    const hidden = await hiddenAmong({ own }, userId, first.conversationId, [...wanted])
    const seen = [...wanted].filter((seq) => !hidden.has(seq))
    return seen.length > 0 ? log.pickMessages(first.conversationId, seen) : []
  }

  function seqOf(list: string, query: PageQuery, headSeq: number): number {
    const at = query.before ?? query.after ?? query.around
    return at === undefined ? headSeq + 1 : position(list, at)
  }

  /** The first `seq` of that time or later, above the head if there is none. Times rise with `seq`: so each look halves what is left. */
  async function firstAt(conversationId: string, first: number, head: number, time: string): Promise<number> {
    const wanted = Date.parse(time)
    let [low, high] = [first, head + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [message] = await log.readMessages(conversationId, middle, middle)
      if (message && Date.parse(message.createdAt) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * What a timeline shows beside the messages of that range, each behind the message it stands after: a page that begins with the
   * window has also those before the first message. Where there are more than `timelineEvents`, the latest.
   */
  async function eventsOf(conversationId: string, me: Member, from: number, to: number) {
    const first = from <= me.fromSeq ? me.fromSeq - 1 : from
    const found = first <= to ? await log.readEvents(conversationId, first, to, limits.timelineEvents) : []
    const events = found.filter((event) => event.rev >= me.fromRev && seenFrom(me.fromSeq, event) === event)
    return events.length > 0 ? { events, people: await items.people(events) } : {}
  }

  async function entriesAbove(userId: string, conversationId: string, rev: number, limit: number): Promise<LogPage> {
    const { conversation, me } = await seenBy(log, userId, conversationId)
    if (rev > conversation.rev) throw expired()
    const from = Math.max(rev + 1, me.fromRev)
    const to = Math.min(from + limit - 1, conversation.rev)
    const entries = from <= to ? await log.readEntries(conversationId, from, to) : []
    if (entries.length < to - from + 1)
      throw new Fault('unavailable', 'The log cannot be read completely: try again', { retryAfterMs: 500 })
    return {
      items: entries.map((entry) => seenFrom(me.fromSeq, entry)),
      headRev: conversation.rev,
      more: to < conversation.rev,
    }
  }
}

/** What happens to a message from before the join is not for who joined; the entry only takes its place (P6). */
function seenFrom(fromSeq: number, entry: Entry): Entry {
  if (!namesMessage(entry) || entry.seq >= fromSeq) return entry
  const { conversationId, rev, id, senderId, createdAt, headSeq, membersRev } = entry
  return { kind: 'message.hidden', conversationId, rev, id, senderId, createdAt, headSeq, membersRev }
}

/** The closed range of a page, within what the member may see. */
function rangeOf(query: PageQuery, seq: number, first: number, head: number): [from: number, to: number] {
  const { limit } = query
  if (query.after !== undefined) {
    const from = Math.max(seq + 1, first)
    return [from, Math.min(from + limit - 1, head)]
  }
  if (query.around !== undefined || query.at !== undefined) {
    const from = Math.max(Math.min(seq - Math.floor(limit / 2), head - limit + 1), first)
    return [from, Math.min(from + limit - 1, head)]
  }
  const to = Math.min(seq - 1, head)
  return [Math.max(to - limit + 1, first), to]
}
