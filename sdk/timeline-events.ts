import { LIMITS } from '@parley/protocol/limits'
import { namedInEvent, type TimelineEvent } from '@parley/protocol/timeline-event'

/** What happened in a conversation, as a device keeps it: with the user names, as far as they were known, of those whom it names; empty for who has deleted the account. */
export type StoredEvent = TimelineEvent & { names: Readonly<Record<string, string>> }

/** So many of one conversation are kept on the device, the latest; older ones are fetched on demand. */
export const EVENTS_KEPT = LIMITS.timelineEvents

/** The event with the names that are known now. */
export function withNames(event: TimelineEvent, people: Pick<ReadonlyMap<string, string>, 'get'>): StoredEvent {
  const known = namedInEvent(event).flatMap((id): [string, string][] => {
    const name = people.get(id)
    return name === undefined ? [] : [[id, name]]
  })
  return { ...event, names: Object.fromEntries(known) }
}

/** Both, each event once, in the order of the log. */
export function merged(some: readonly StoredEvent[], more: readonly StoredEvent[]): readonly StoredEvent[] {
  if (more.length === 0) return some
  const last = some.at(-1)
  // As they come while one looks on.
  if (more.length === 1 && (!last || last.rev < more[0]!.rev)) return [...some, more[0]!]
  const byRev = new Map([...some, ...more].map((event) => [event.rev, event]))
  return [...byRev.values()].sort((a, b) => a.rev - b.rev)
}

/** A page has what happened behind each of its messages; one that begins with the window, or is empty, also what happened before them: from which `seq` on nothing is missing. */
export function completeFrom(page: readonly { seq: number }[], fromSeq: number): number {
  const first = page[0]?.seq ?? fromSeq
  return first <= fromSeq ? fromSeq - 1 : first
}

/** Those that stand among these messages, which are a dense run; before the first where that is the first of all, and behind the last unless it `ends` there. */
export function among(
  events: readonly StoredEvent[],
  messages: readonly { seq: number }[],
  fromSeq: number,
  ends: boolean,
): readonly StoredEvent[] {
  const first = messages[0]?.seq ?? fromSeq
  const from = first <= fromSeq ? fromSeq - 1 : first
  const to = ends ? (messages.at(-1)?.seq ?? 0) : Number.POSITIVE_INFINITY
  return events.filter(({ headSeq }) => headSeq >= from && headSeq <= to)
}
