import type { Problem } from '@parley/protocol/fault'
import type { MessageStatus, Quote, TimelineView } from '@parley/sdk/types'
import { eventLines } from './event-lines.ts'
import { daysAgo } from './time.ts'

/** One message as the chat draws it, or what happened between two. `id` stays the same from the outbox to the timeline, so the bubble stays the same too. */
export interface Row {
  id: string
  /** No message: what happened, each in a sentence. */
  lines?: readonly string[]
  /** Absent while it waits in the outbox. */
  seq?: number
  senderId: string
  sender: string
  mine: boolean
  text: string
  at: string
  /** Only its place is left. */
  deleted?: true
  edited?: true
  /** What it answers, and that as it is now. */
  replyTo?: number
  quote?: Quote
  /** Whom it names. */
  mentions?: readonly string[]
  mentionsAll?: true
  /** Oneself among them. */
  namesMe?: true
  forwarded?: true
  /** By oneself. */
  starred?: true
  /** When it disappears; or when it did, if it is `deleted`. */
  expiresAt?: string
  /** Who set each emoji, and whether one is among them. */
  reactions?: readonly RowReaction[]
  status: MessageStatus
  /** Why it was refused, when `status` is `failed`. */
  refused?: Problem
  /** A line with the day stands above. */
  newDay: boolean
  /** The line "new messages" stands above. */
  firstUnread: boolean
  /** Begins, or ends, a run of bubbles by one sender. */
  first: boolean
  last: boolean
}

/** One emoji under a message. */
export interface RowReaction {
  emoji: string
  userIds: readonly string[]
  mine: boolean
}

/** Bubbles of one sender this close together make a run. */
const RUN_MS = 5 * 60_000

/**
 * The rows of a timeline: what is stored, then what waits. `unreadAfter` is the `seq` under which the line "new messages"
 * stands; none when undefined.
 */
export function rows(view: TimelineView, me: { id: string; username: string }, unreadAfter?: number): Row[] {
  const all: Row[] = [
    ...withEvents(view, me.id),
    ...view.pending.map((item) => ({ ...waitingRow(item, me), ...carried(item, view.quotes) })),
  ]
  let unreadShown = false
  for (const [i, row] of all.entries()) {
    const before = all[i - 1]
    row.newDay = !before || daysAgo(before.at, new Date(row.at)) !== 0
    row.firstUnread = !unreadShown && !row.mine && unreadAfter !== undefined && (row.seq ?? 0) > unreadAfter
    unreadShown ||= row.firstUnread
    row.first = !before || row.newDay || row.firstUnread || !sameRun(before, row)
    if (before) before.last = row.first
  }
  return all
}

/** The largest `seq` among the first `count` rows: what one has seen when so many were on screen. Undefined when none is stored. */
export function lastSeq(all: readonly Row[], count: number): number | undefined {
  for (let i = Math.min(count, all.length) - 1; i >= 0; i--) {
    const seq = all[i]?.seq
    if (seq !== undefined) return seq
  }
  return undefined
}

/** True when `next` has what `previous` had plus more rows before it: then the scroll position is kept from the end. */
export function grewAtStart(previous: readonly Row[], next: readonly Row[]): boolean {
  const first = previous[0]
  return (
    first !== undefined &&
    next.length > previous.length &&
    next[0]?.id !== first.id &&
    next.some((row) => row.id === first.id)
  )
}

/** The stored messages, and behind each what happened then; a row for each day. */
function withEvents({ messages, events, quotes }: TimelineView, me: string): Row[] {
  const all: Row[] = []
  let next = 0
  const eventsUpTo = (headSeq: number): void => {
    const from = next
    while (next < events.length && events[next]!.headSeq <= headSeq) next++
    const byDay = Map.groupBy(events.slice(from, next), ({ createdAt }) => new Date(createdAt).toDateString())
    for (const those of byDay.values()) all.push(eventRow(those, me))
  }
  for (const message of messages) {
    eventsUpTo(message.seq - 1)
    all.push({ ...storedRow(message, me), ...carried(message, quotes) })
  }
  eventsUpTo(Number.POSITIVE_INFINITY)
  return all
}

function eventRow(events: TimelineView['events'], me: string): Row {
  const { rev, createdAt } = events[0]!
  const nobody = { senderId: '', sender: '', mine: false, text: '', status: 'sent' as const }
  return { id: `event-${rev}`, lines: eventLines(events, me), at: createdAt, ...nobody, ...alone }
}

function storedRow(message: TimelineView['messages'][number], me: string): Row {
  const { id, seq, senderId, sender, mine, text, createdAt, status, deleted, editedAt, starred, reactions } = message
  const counted = reactions?.map(({ emoji, userIds }) => ({
    emoji,
    userIds,
    mine: userIds.includes(me),
  }))
  const more = {
    ...(deleted && { deleted }),
    ...(editedAt && { edited: true as const }),
    ...(starred && { starred }),
    ...(message.expiresAt && { expiresAt: message.expiresAt }),
  }
  const row: Row = { id, seq, senderId, sender, mine, text, at: createdAt, status, ...more, ...alone }
  return counted ? { ...row, reactions: counted } : row
}

function waitingRow(item: TimelineView['pending'][number], me: { id: string; username: string }): Row {
  const { id, text, queuedAt, status, refused } = item
  const row: Row = { id, senderId: me.id, sender: me.username, mine: true, text, at: queuedAt, status, ...alone }
  return refused ? { ...row, refused } : row
}

/** What it carries besides its text. */
function carried(
  message: Partial<TimelineView['messages'][number]>,
  quotes: TimelineView['quotes'],
): Pick<Row, 'replyTo' | 'quote' | 'mentions' | 'mentionsAll' | 'namesMe' | 'forwarded'> {
  const { replyTo, mentions, mentionsAll, namesMe, forwarded } = message
  const quote = replyTo === undefined ? undefined : quotes.get(replyTo)
  return {
    ...(replyTo !== undefined && { replyTo }),
    ...(quote && { quote }),
    ...(mentions && { mentions }),
    ...(mentionsAll && { mentionsAll }),
    ...(namesMe && { namesMe: true as const }),
    ...(forwarded && { forwarded }),
  }
}

const alone = { newDay: false, firstUnread: false, first: true, last: true }

function sameRun(before: Row, row: Row): boolean {
  return before.senderId === row.senderId && Date.parse(row.at) - Date.parse(before.at) < RUN_MS
}
