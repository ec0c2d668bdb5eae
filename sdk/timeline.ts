import type { Entry, MessageEntry } from '@parley/protocol/conversation'
import { changed, type MessageChange } from '@parley/protocol/message-change'

/**
 * The rule by which a device follows a conversation's log: apply the entry that comes next, ignore what it has, fetch
 * what is missing. Pure; the order in which entries come, how often, and which get lost makes no difference to the end.
 */
export interface Position {
  /** Everything up to here is applied. */
  readonly rev: number
  /** The largest `rev` that the server is known to have. */
  readonly headRev: number
  /** Came before their turn. */
  readonly early: ReadonlyMap<number, Entry>
}

/** More entries than this before their turn are not kept: they are fetched with the missing ones. */
const EARLY_MAX = 500

/** A device this many entries behind forgets what it holds and begins anew at the head; older pages come on demand. */
export const TOO_FAR = 500

export const startAt = (rev: number, headRev = rev): Position => ({ rev, headRev, early: new Map() })

/** Takes entries as they come. `applied` are those whose turn has come, in order, each exactly once in the life of a position. */
export function receive(position: Position, entries: readonly Entry[]): { position: Position; applied: Entry[] } {
  let { rev, headRev } = position
  const early = new Map(position.early)
  const applied: Entry[] = []
  for (const entry of entries) {
    headRev = Math.max(headRev, entry.rev)
    if (entry.rev > rev && (early.size < EARLY_MAX || entry.rev === rev + 1)) early.set(entry.rev, entry)
    for (let next = early.get(rev + 1); next; next = early.get(rev + 1)) {
      early.delete(++rev)
      applied.push(next)
    }
  }
  return { position: { rev, headRev, early }, applied }
}

/** The server is known to have entries up to `headRev`, whether they came or not. */
export const heardOf = (position: Position, headRev: number): Position =>
  headRev > position.headRev ? { ...position, headRev } : position

/** Entries are missing: fetch what lies above `rev`. */
export const isBehind = ({ rev, headRev }: Pick<Position, 'rev' | 'headRev'>): boolean => rev < headRev

export const isTooFar = ({ rev, headRev }: Pick<Position, 'rev' | 'headRev'>): boolean => headRev - rev > TOO_FAR

/** Messages with changes of the log applied in their order. What a message shows already changes it no more; others stay the same objects. */
export function withChanges<M extends MessageEntry>(
  messages: readonly M[],
  changes: readonly MessageChange[],
): readonly M[] {
  const bySeq = Map.groupBy(changes, ({ seq }) => seq)
  return bySeq.size === 0
    ? messages
    : messages.map((message) => (bySeq.get(message.seq) ?? []).reduce(changed<M>, message))
}

/** What is fetched for a conversation, with the changes that came to this device meanwhile: it may have been read before those. */
export async function meanwhile<M extends MessageEntry>(
  conversation: { meanwhile: Set<MessageChange[]> },
  fetch: () => Promise<readonly M[]>,
): Promise<readonly M[]> {
  const changes: MessageChange[] = []
  conversation.meanwhile.add(changes)
  try {
    return withChanges(await fetch(), changes)
  } finally {
    conversation.meanwhile.delete(changes)
  }
}

/** A window of messages with `older` in front, when both are dense and meet; else the window as it was. */
export function prepend<M extends { seq: number }>(
  window: readonly M[],
  older: readonly M[],
  headSeq: number,
): readonly M[] {
  const first = window[0]?.seq ?? headSeq + 1
  const fitting = denseSuffix(
    older.filter((message) => message.seq < first),
    first - 1,
  )
  return fitting.length === 0 ? window : [...fitting, ...window]
}

/** The longest dense run of messages (ascending) that ends at `lastSeq`. */
export function denseSuffix<M extends { seq: number }>(messages: readonly M[], lastSeq: number): readonly M[] {
  const upTo = messages.filter((message) => message.seq <= lastSeq)
  let start = upTo.length
  while (start > 0 && upTo[start - 1]!.seq === lastSeq - (upTo.length - start)) start--
  return upTo.slice(start)
}
