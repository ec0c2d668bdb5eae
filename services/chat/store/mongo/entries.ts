import type { Entry, MessageEntry, MessageExtras } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { asOf, changesMessage, mentionsOf, namesMessage } from '@parley/protocol/message-change'
import { isTimelineEvent } from '@parley/protocol/timeline-event'
import { ObjectId } from 'mongodb'
import { type Conversation, changesTerms } from '../../conversation.ts'
import type { Draft, DraftExtras } from '../store.ts'
import type { Collections, LogDocument } from './collections.ts'
import { READ } from './connection.ts'

/** What the draft becomes as the next entry after `before`. */
export function entryAfter(before: Conversation | undefined, draft: Draft, createdAt: Date): Entry {
  const rev = (before?.rev ?? 0) + 1
  const { conversationId, id, senderId } = draft
  const headSeq = before?.headSeq ?? 0
  const base = { conversationId, rev, id, senderId, createdAt: createdAt.toISOString(), headSeq }
  if (draft.kind === 'message') {
    const seq = headSeq + 1
    const { text, membersRev, extras } = draft
    return { ...base, kind: 'message', seq, headSeq: seq, text, membersRev, ...(extras && extrasOf(extras, createdAt)) }
  }
  const { contentHash: _, ...change } = draft
  const membersRev = change.kind !== 'created' && !changesTerms(change.kind) ? change.membersRev : rev
  return { ...change, ...base, membersRev }
}

function extrasOf({ lifetimeMs, ...extras }: DraftExtras, createdAt: Date): MessageExtras {
  if (lifetimeMs === undefined) return extras
  return { ...extras, expiresAt: new Date(createdAt.getTime() + lifetimeMs).toISOString() }
}

/** By what a message that names a user is found; without a user, one that names everybody. */
export const nameIn = (conversationId: string, userId = 'all'): string => `${conversationId} ${userId}`

/** How a message is found by whom it names; nothing where it names nobody. Who names everybody names nobody besides. */
export function namedIn({ conversationId, seq, mentions = [], mentionsAll }: MessageEntry) {
  const named = mentionsAll ? [nameIn(conversationId)] : mentions.map((userId) => nameIn(conversationId, userId))
  return named.length > 0 ? { named, namedSeq: seq } : undefined
}

/** An entry as it is first kept: pending, under an `_id` of its own by which its appender knows it again. */
export function documentOf(entry: Entry, contentHash: string): LogDocument {
  const createdAt = new Date(entry.createdAt)
  const kept = { _id: new ObjectId(), contentHash, createdAt, outbox: createdAt }
  if (entry.kind === 'message') {
    return { ...entry, ...kept, ...namedIn(entry), ...lastingOf(entry) }
  }
  const event = isTimelineEvent(entry) && {
    eventOf: entry.conversationId,
    eventSeq: entry.headSeq,
    eventRev: entry.rev,
  }
  if (!namesMessage(entry)) return { ...entry, ...kept, ...event }
  const { seq, ...rest } = entry
  return { ...rest, ...kept, ...event, about: seq, ...(changesMessage(entry) && { unapplied: entry.conversationId }) }
}

/** The entry in a document of the log; a message as it is now, which nothing is to be read of any more once it has disappeared. */
export function entryOf(document: LogDocument): Entry {
  const entry = keptOf(document)
  return entry.kind === 'message' ? asOf(entry, Date.now()) : entry
}

/** The same, with what is kept of a message that has disappeared and was not erased yet. */
export function keptOf(document: LogDocument): Entry {
  const { _id, contentHash, outbox, about, unapplied, versions, textRev, ...rest } = document
  const { named, namedSeq, tombstone, tombstoneSeq, eventOf, eventSeq, eventRev, disappears, lasting, ...entry } = rest
  const seq = about === undefined ? undefined : { seq: about }
  return { ...entry, ...seq, createdAt: entry.createdAt.toISOString() } as Entry
}

function lastingOf({ conversationId, expiresAt }: MessageEntry) {
  return expiresAt === undefined ? undefined : { disappears: new Date(expiresAt), lasting: conversationId }
}

/** Has it disappeared? */
export const isExpired = (document: LogDocument): boolean =>
  document.kind === 'message' && document.expiresAt !== undefined && Date.parse(document.expiresAt) <= Date.now()

/** Entries as they are read: an edit has its text, and whom that names, while it is the latest, from the message that it is the text of. */
export async function withTexts(
  log: Collections['log'],
  conversationId: string,
  documents: readonly LogDocument[],
): Promise<Entry[]> {
  const edited = documents.filter(({ kind, text }) => kind === 'message.edited' && text === undefined)
  if (edited.length === 0) return documents.map(entryOf)
  const seqs = edited.flatMap(({ about }) => (about === undefined ? [] : [about]))
  const messages = await log.find({ conversationId, seq: { $in: seqs } }, { ...READ, projection: PRESENT }).toArray()
  const latest = new Map(messages.map((message) => [message.textRev, message]))
  return documents.map((document) => {
    const message = document.kind === 'message.edited' ? latest.get(document.rev) : undefined
    if (message?.text === undefined || isExpired(message)) return entryOf(document)
    return entryOf({ ...document, text: message.text, ...mentionsOf(message) })
  })
}

/** A message's earlier texts are read for its author only. */
export const PRESENT = { versions: 0 } as const

/** The documents with these ids, in that conversation. */
export async function findByIds(
  log: Collections['log'],
  conversationId: string,
  ids: readonly string[],
): Promise<Map<string, LogDocument>> {
  const found = await log.find({ conversationId, id: { $in: [...ids] } }, READ).toArray()
  return new Map(found.map((document) => [document.id, document]))
}

/**
 * The entries with `from` <= rev (or seq) <= `to`, ascending, without a hole; at most a page. A scan that yields to writers
 * may meet n and not the n-1 that came while it had passed; the next scan then has it, for n is never readable before n-1.
 */
export async function readRange(
  log: Collections['log'],
  by: 'rev' | 'seq',
  conversationId: string,
  from: number,
  to: number,
  projection: Partial<Record<keyof LogDocument, 0>> = {},
): Promise<LogDocument[]> {
  const first = Math.max(from, 1)
  const last = Math.min(to, first + LIMITS.pageMax - 1)
  if (!(first <= last)) return []
  for (let scan = 1; scan <= 5; scan++) {
    const filter = { conversationId, [by]: { $gte: first, $lte: last } }
    const found = await log.find(filter, { ...READ, projection: { ...PRESENT, ...projection } }).toArray()
    found.sort((a, b) => a.rev - b.rev)
    if (found.every((document, n) => placeOf(document, by) === first + n)) return found
  }
  throw new Error(`the log of ${conversationId} has a hole between ${by} ${first} and ${last}`)
}

function placeOf(document: LogDocument, by: 'rev' | 'seq'): number {
  return by === 'rev' ? document.rev : (document.seq ?? 0)
}
