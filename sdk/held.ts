import type { ConversationItem, Entry, Marks, MessageEntry, Role } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { asOf, changed, changesMessage, type MessageChange } from '@parley/protocol/message-change'
import type { Settings } from '@parley/protocol/settings'

/** A message as a device keeps it. `sender` is the user name, empty where not known. */
export type StoredMessage = MessageEntry & { sender: string }

/**
 * What a device keeps of one conversation besides the messages themselves. Plain data, durable; the functions below are
 * pure and each gives what the device holds next.
 */
export interface Held {
  id: string
  /** What the server said of it, as of `facts.rev`. */
  facts: Omit<ConversationItem, 'lastMessage' | 'marks'>
  /** The latest entry that changes the facts: older facts must be asked for again. */
  factsNeeded: number
  /** Every entry up to `rev`, and so every message up to `headSeq`, is applied. */
  rev: number
  headSeq: number
  /** The largest `rev` that the server is known to have. */
  headRev: number
  /** Messages `firstSeq`..`headSeq` are stored; none when `firstSeq` is `headSeq` + 1. */
  firstSeq: number
  /** Those of the stored messages that are one's own, and those that were deleted: neither count as unread. */
  ownSeqs: readonly number[]
  deletedSeqs: readonly number[]
  /** Those of the stored messages that are to disappear, and when, in milliseconds since 1970. */
  lasting: readonly Lasting[]
  /** Those of the stored messages that are others' and name oneself or everybody. */
  naming: readonly Naming[]
  /** What happened behind message `eventsSeq` or a later one is held, beside the messages. */
  eventsSeq: number
  lastMessage?: StoredMessage
  /** One's own marks: the server's, and what was read here and may not have arrived there. */
  deliveredSeq: number
  readSeq: number
  /** The others' marks, where they are told. */
  marks?: readonly Marks[]
  /** How far everyone else has been at some time; a new member does not take it back (I14). */
  reached: { deliveredSeq: number; readSeq: number }
  counted: Counted
  /** The latest deletion that is applied, and the latest that the count may lack: until one of that `rev` comes, it is not sure. */
  deletedRev: number
  doubted: number
  /** When something last happened in it. */
  activeAt: string
}

/** Unread messages after `readSeq` up to `headSeq`, as the server counted them; deletions up to `rev` are in it, later ones may be. */
interface Counted {
  readSeq: number
  headSeq: number
  unread: number
  mentions: number
  rev: number
  /** When the first of them disappears, in milliseconds since 1970; absent where they all stay. */
  until?: number
  /** That has passed: it is one less at least. */
  over?: true
}

/** A message that disappears. */
interface Lasting {
  seq: number
  at: number
}

/** A message that names oneself, and who wrote it. */
interface Naming {
  seq: number
  senderId: string
}

/** At most this many messages of a conversation are kept on the device; older ones are fetched on demand. */
export const WINDOW = 200

const UNREAD_CAP = LIMITS.unreadMax + 1

/** A conversation that is new to the device, or whose past it forgot: it holds the last message at most. */
export function heldFrom(item: ConversationItem, me: string, now: string): Held {
  const { lastMessage, marks, ...facts } = item
  const last = lastMessage?.seq === item.headSeq ? lastMessage : undefined
  const held: Held = {
    id: item.id,
    facts,
    factsNeeded: item.rev,
    rev: item.rev,
    headSeq: item.headSeq,
    headRev: item.rev,
    firstSeq: last ? item.headSeq : item.headSeq + 1,
    ownSeqs: last?.senderId === me ? [last.seq] : [],
    naming: last ? namingIn([last], me) : [],
    deletedSeqs: last?.deleted ? [last.seq] : [],
    lasting: last ? lastingIn([last]) : [],
    eventsSeq: item.headSeq + 1,
    ...(last && { lastMessage: last }),
    deliveredSeq: item.me.deliveredSeq,
    readSeq: item.me.readSeq,
    ...(marks && { marks }),
    reached: { deliveredSeq: 0, readSeq: 0 },
    counted: countedIn(item),
    deletedRev: 0,
    doubted: 0,
    activeAt: last?.createdAt ?? now,
  }
  return withReached(held, me)
}

/** The same, but with its log still to be fetched from the first entry that one may see: for a young conversation, so that each of its messages arrives. */
export function heldFromStart(item: ConversationItem, me: string, now: string): Held {
  const { lastMessage: _, ...rest } = heldFrom(item, me, now)
  const before = item.me.fromSeq - 1
  const none = { ownSeqs: [], deletedSeqs: [], lasting: [], naming: [], eventsSeq: before }
  return { ...rest, rev: item.me.fromRev - 1, headSeq: before, firstSeq: before + 1, ...none }
}

/** What the server says of it now: facts if newer, marks by max, its count of unread as the ground to count on. */
export function withItem(held: Held, item: ConversationItem, me: string): Held {
  const { lastMessage: _, marks, ...facts } = item
  const newer = item.rev >= held.facts.rev
  const merged = mergeMarks(held.marks ?? [], marks ?? [])
  const { counted } = held
  const surer = item.headSeq >= counted.headSeq && item.me.readSeq >= counted.readSeq && item.rev >= counted.rev
  const next: Held = {
    ...held,
    facts: withLater(newer ? facts : held.facts, held.facts.me.settings, item.me.settings),
    headRev: Math.max(held.headRev, item.rev),
    deliveredSeq: Math.max(held.deliveredSeq, item.me.deliveredSeq),
    readSeq: Math.max(held.readSeq, item.me.readSeq),
    counted: surer ? countedIn(item) : counted,
    doubted: surer && item.rev < held.deletedRev ? held.deletedRev : held.doubted,
  }
  const members = new Set(next.facts.members?.map(({ userId }) => userId))
  if (newer) next.marks = marks && merged.filter(({ userId }) => members.has(userId))
  else if (held.marks) next.marks = merged
  return withReached(next, me)
}

/** One's own settings, if they are newer than what is held. */
export function withSettings(held: Held, settings: Settings): Held {
  if (settings.rev <= held.facts.me.settings.rev) return held
  return { ...held, facts: withLater(held.facts, settings) }
}

function withLater(facts: Held['facts'], ...known: readonly Settings[]): Held['facts'] {
  const latest = known.reduce((a, b) => (b.rev > a.rev ? b : a))
  return { ...facts, me: { ...facts.me, settings: latest } }
}

/** One entry of the log applied: the one after `held.rev`. `message` is what entered, if it is one. */
export function withEntry(
  held: Held,
  entry: Entry,
  me: string,
  sender: string,
): { held: Held; message?: StoredMessage; dropped: readonly number[] } {
  if (entry.kind === 'message') {
    const message = { ...entry, sender }
    const own = entry.senderId === me ? [...held.ownSeqs, entry.seq] : held.ownSeqs
    const naming = namesOne(entry, me) ? [...held.naming, { seq: entry.seq, senderId: entry.senderId }] : held.naming
    const deleted = entry.deleted ? [...held.deletedSeqs, entry.seq] : held.deletedSeqs
    const lasting = [...held.lasting, ...lastingIn([message])]
    const place = { rev: entry.rev, headSeq: entry.seq, ownSeqs: own, deletedSeqs: deleted, lasting, naming }
    const next = { ...held, ...place, lastMessage: message }
    const headRev = Math.max(held.headRev, entry.rev)
    return { message, ...trimmed({ ...next, headRev, activeAt: entry.createdAt }) }
  }
  const next: Held = { ...held, rev: entry.rev, headRev: Math.max(held.headRev, entry.rev) }
  if (entry.kind === 'message.hidden') return { held: next, dropped: [] }
  if (changesMessage(entry)) {
    if (held.lastMessage?.seq === entry.seq) next.lastMessage = changed(held.lastMessage, entry)
    if (renames(entry) && entry.seq >= held.firstSeq) {
      const others = held.naming.filter(({ seq }) => seq !== entry.seq)
      const named = entry.kind === 'message.edited' && namesOne(entry, me)
      next.naming = named ? [...others, { seq: entry.seq, senderId: entry.senderId }] : others
    }
    if (entry.kind === 'message.deleted') {
      if (entry.seq >= held.firstSeq && !held.deletedSeqs.includes(entry.seq))
        next.deletedSeqs = [...held.deletedSeqs, entry.seq]
      next.deletedRev = entry.rev
      // Counted before or after it was deleted: that cannot be told, and whose it was may not be known.
      if (entry.seq <= held.counted.headSeq) next.doubted = entry.rev
    }
    return { held: next, dropped: [] }
  }
  // Facts that already count this entry in must not be changed by it again.
  if (entry.rev > held.facts.rev) {
    const facts = needsFacts(held) ? undefined : factsAfter(held.facts, entry, me)
    if (facts) next.facts = { ...facts, rev: entry.rev, membersRev: entry.membersRev }
    else next.factsNeeded = entry.rev
  }
  return { held: next, dropped: [] }
}

/** What the entry makes of the facts; undefined where it does not say all of it, so that the server must be asked. */
function factsAfter(facts: Held['facts'], entry: Entry, me: string): Held['facts'] | undefined {
  switch (entry.kind) {
    case 'renamed':
      return { ...facts, title: entry.title }
    case 'described': {
      const { description: _, ...rest } = facts
      return entry.description ? { ...rest, description: entry.description } : rest
    }
    case 'members.role': {
      const roleOf = (userId: string, role: Role): Role => {
        if (userId === entry.userId) return entry.role
        return entry.role === 'owner' && role === 'owner' ? 'admin' : role
      }
      const members = facts.members?.map((one) => ({ ...one, role: roleOf(one.userId, one.role) }))
      return { ...facts, ...(members && { members }), me: { ...facts.me, role: roleOf(me, facts.me.role) } }
    }
    case 'opened':
    case 'invite.created':
    case 'invite.revoked':
      return facts
    case 'message.pinned': {
      const others = (facts.pinned ?? []).filter((seq) => seq !== entry.seq)
      const pinned = entry.on ? [...others, entry.seq] : others
      const { pinned: _, ...rest } = facts
      return pinned.length > 0 ? { ...rest, pinned } : rest
    }
    case 'timer.changed': {
      const { disappearAfterMs: _, ...rest } = facts
      return entry.disappearAfterMs === null ? rest : { ...rest, disappearAfterMs: entry.disappearAfterMs }
    }
    default:
      return undefined
  }
}

/** The oldest messages beyond the window are no longer stored. Unread is counted first, while it can be. */
function trimmed(held: Held): { held: Held; dropped: readonly number[] } {
  const firstSeq = Math.max(held.firstSeq, held.headSeq - WINDOW + 1)
  if (firstSeq === held.firstSeq) return { held, dropped: [] }
  const { unread, sure } = unreadOf(held)
  const mayCount = sure && held.counted.headSeq <= held.headSeq
  const mentions = mentionsOf(held, () => false)
  const here = { readSeq: readUpTo(held), headSeq: held.headSeq, unread, mentions, rev: held.rev }
  const counted = mayCount ? { ...here, ...firstToGo(held) } : held.counted
  const dropped = Array.from({ length: firstSeq - held.firstSeq }, (_, n) => held.firstSeq + n)
  const [ownSeqs, deletedSeqs] = [held.ownSeqs, held.deletedSeqs].map((seqs) => seqs.filter((seq) => seq >= firstSeq))
  const naming = held.naming.filter(({ seq }) => seq >= firstSeq)
  const lasting = held.lasting.filter(({ seq }) => seq >= firstSeq)
  const kept = { ownSeqs: ownSeqs!, deletedSeqs: deletedSeqs!, lasting, naming }
  return { held: { ...held, firstSeq, counted, ...kept }, dropped }
}

/** When the first of the unread messages disappears, of those that are stored and, where these are not all, of those that the server counted. */
function firstToGo(held: Held): Pick<Counted, 'until'> {
  const read = readUpTo(held)
  const moments = held.lasting.filter(({ seq }) => seq > read).map(({ at }) => at)
  const counted = read >= held.firstSeq - 1 ? undefined : held.counted.until
  const until = Math.min(...moments, counted ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(until) ? { until } : {}
}

/** The messages that are now stored: a dense run up to the head. */
export function withWindow(held: Held, messages: readonly StoredMessage[], me: string): Held {
  const kept = messages.slice(-WINDOW)
  return {
    ...held,
    firstSeq: kept[0]?.seq ?? held.headSeq + 1,
    ownSeqs: kept.filter((message) => message.senderId === me).map((message) => message.seq),
    naming: namingIn(kept, me),
    deletedSeqs: kept.filter((message) => message.deleted).map((message) => message.seq),
    lasting: lastingIn(kept),
  }
}

const lastingIn = (messages: readonly StoredMessage[]): Lasting[] =>
  messages.flatMap(({ seq, expiresAt, deleted }) =>
    expiresAt === undefined || deleted ? [] : [{ seq, at: Date.parse(expiresAt) }],
  )

/** As it is at that time. `gone` are the stored messages that have disappeared; the same object where there are none. */
export function withoutExpired(held: Held, now: number): { held: Held; gone: readonly number[] } {
  const gone = held.lasting.filter(({ at }) => at <= now).map(({ seq }) => seq)
  const last = held.lastMessage && asOf(held.lastMessage, now)
  const { until = Number.POSITIVE_INFINITY, over } = held.counted
  const isOver = until <= now && !over
  if (gone.length === 0 && last === held.lastMessage && !isOver) return { held, gone }
  const next: Held = {
    ...held,
    ...(isOver && { counted: { ...held.counted, over: true } }),
    lasting: held.lasting.filter(({ at }) => at > now),
    naming: held.naming.filter(({ seq }) => !gone.includes(seq)),
    deletedSeqs: [...held.deletedSeqs, ...gone.filter((seq) => !held.deletedSeqs.includes(seq))],
    ...(last && { lastMessage: last }),
  }
  return { held: next, gone }
}

/** A member's marks, merged by max. */
export function withMarks(held: Held, mark: Marks, me: string): Held {
  if (mark.userId === me) {
    const deliveredSeq = Math.max(held.deliveredSeq, mark.deliveredSeq, mark.readSeq)
    return { ...held, deliveredSeq, readSeq: Math.max(held.readSeq, mark.readSeq) }
  }
  if (!held.marks) return held
  return withReached({ ...held, marks: mergeMarks(held.marks, [mark]) }, me)
}

function mergeMarks(held: readonly Marks[], news: readonly Marks[]): Marks[] {
  const merged = new Map(held.map((mark) => [mark.userId, mark]))
  for (const { userId, deliveredSeq, readSeq } of news) {
    const before = merged.get(userId) ?? { userId, deliveredSeq: 0, readSeq: 0 }
    merged.set(userId, {
      userId,
      deliveredSeq: Math.max(before.deliveredSeq, deliveredSeq, readSeq),
      readSeq: Math.max(before.readSeq, readSeq),
    })
  }
  return [...merged.values()]
}

/** Raises `reached` to the least mark of the others. Not while it is unknown who they are: it never goes back. */
function withReached(held: Held, me: string): Held {
  const others = held.facts.members?.filter(({ userId }) => userId !== me) ?? []
  if (!held.marks || others.length === 0 || needsFacts(held)) return held
  const marks = new Map(held.marks.map((mark) => [mark.userId, mark]))
  const delivered = Math.min(...others.map(({ userId }) => marks.get(userId)?.deliveredSeq ?? 0))
  const read = Math.min(...others.map(({ userId }) => marks.get(userId)?.readSeq ?? 0))
  const { reached } = held
  if (delivered <= reached.deliveredSeq && read <= reached.readSeq) return held
  const next = { deliveredSeq: Math.max(reached.deliveredSeq, delivered), readSeq: Math.max(reached.readSeq, read) }
  return { ...held, reached: next }
}

/** Who is in it, or who one is in it, changed: the server must be asked. */
export const needsFacts = (held: Held): boolean => held.facts.rev < held.factsNeeded

/** How far one's own message got. */
export function statusOf(held: Held, seq: number): 'sent' | 'delivered' | 'read' {
  if (seq <= held.reached.readSeq) return 'read'
  return seq <= held.reached.deliveredSeq ? 'delivered' : 'sent'
}

/** Where reading begins: nothing before the join counts. */
const readUpTo = (held: Held): number => Math.max(held.readSeq, held.facts.me.fromSeq - 1)

/**
 * Unread messages: those after `readSeq` that are not one's own and were not deleted, at most 1,000. Counted over what is
 * stored, or on from what the server counted. When neither reaches, it is a guess and not `sure`: ask the server.
 */
export function unreadOf(held: Held): { unread: number; sure: boolean } {
  const read = readUpTo(held)
  const { counted } = held
  const countedFrom = Math.max(counted.readSeq, held.facts.me.fromSeq - 1)
  const sure = held.doubted <= counted.rev && !counted.over
  if (counted.headSeq > held.headSeq && countedFrom === read) return capped(counted.unread, sure)
  if (counted.headSeq <= held.headSeq) {
    if (read >= held.firstSeq - 1) return capped(unreadAfter(held, read), true)
    if (countedFrom === read && counted.headSeq >= held.firstSeq - 1)
      return capped(counted.unread + unreadAfter(held, counted.headSeq), sure)
  }
  const later = Math.max(0, counted.unread - (read - countedFrom)) + unreadAfter(held, Math.max(counted.headSeq, read))
  return capped(Math.min(later, Math.max(0, Math.max(held.headSeq, counted.headSeq) - read)), false)
}

/**
 * Unread messages that name oneself or everybody, but for those of people whom one `hides`. Right where `unreadOf` is sure; else as
 * near as what is known comes.
 */
export function mentionsOf(held: Held, hides: (userId: string) => boolean): number {
  const read = readUpTo(held)
  const { counted } = held
  const storedAfter = (after: number): number =>
    held.naming.filter(({ seq, senderId }) => seq > after && !hides(senderId)).length
  const countedFrom = Math.max(counted.readSeq, held.facts.me.fromSeq - 1)
  const known = countedFrom === read
  if (counted.headSeq > held.headSeq && known) return counted.mentions
  if (read >= held.firstSeq - 1) return Math.min(storedAfter(read), UNREAD_CAP)
  return Math.min((known ? counted.mentions : 0) + storedAfter(Math.max(counted.headSeq, read)), UNREAD_CAP)
}

/** Whether `mentionsOf` says, of what is unread, what the server counted. */
export const mentionsAreCounted = (held: Held): boolean =>
  unreadOf(held).unread > 0 && (held.counted.headSeq > held.headSeq || readUpTo(held) < held.firstSeq - 1)

/** Whether a change of a message that is not stored here may have made the count of mentions wrong. */
export function mayMiscount(held: Held, entry: MessageChange, me: string): boolean {
  if (!renames(entry) || entry.seq >= held.firstSeq || entry.seq <= readUpTo(held)) return false
  return held.counted.mentions > 0 || (entry.kind === 'message.edited' && namesOne(entry, me))
}

/** Whether whom a message names may be others after that change. */
const renames = (entry: MessageChange): boolean =>
  entry.kind === 'message.deleted' || (entry.kind === 'message.edited' && entry.text !== undefined)

/** Whether it is another's, and names oneself or everybody. */
export const namesOne = (
  { senderId, mentions, mentionsAll }: Pick<MessageEntry, 'senderId' | 'mentions' | 'mentionsAll'>,
  me: string,
): boolean => senderId !== me && (mentionsAll === true || mentions?.includes(me) === true)

const namingIn = (messages: readonly StoredMessage[], me: string): Naming[] =>
  messages.filter((message) => namesOne(message, me)).map(({ seq, senderId }) => ({ seq, senderId }))

const countedIn = ({ rev, headSeq, me }: ConversationItem): Counted => ({
  readSeq: me.readSeq,
  headSeq,
  unread: me.unread,
  mentions: me.mentions,
  rev,
  ...(me.unreadUntil !== undefined && { until: Date.parse(me.unreadUntil) }),
})

const capped = (unread: number, sure: boolean): { unread: number; sure: boolean } => ({
  unread: Math.min(unread, UNREAD_CAP),
  sure,
})

/** Others' messages after `seq`; right when all of those are stored. */
const othersAfter = (held: Held, seq: number): number =>
  Math.max(0, held.headSeq - seq) - held.ownSeqs.filter((own) => own > seq).length

/** Those of them that were not deleted. */
function unreadAfter(held: Held, seq: number): number {
  if (held.deletedSeqs.length === 0) return othersAfter(held, seq)
  const uncounted = new Set([...held.ownSeqs, ...held.deletedSeqs].filter((one) => one > seq))
  return Math.max(0, held.headSeq - seq - uncounted.size)
}

/** Whether something of others arrived here that the server does not know to be delivered. */
export function undelivered(held: Held): boolean {
  if (held.headSeq <= held.deliveredSeq || held.headSeq < held.facts.me.fromSeq) return false
  return held.deliveredSeq < held.firstSeq - 1 || othersAfter(held, held.deliveredSeq) > 0
}
