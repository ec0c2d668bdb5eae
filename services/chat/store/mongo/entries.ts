import type { Entry } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { ObjectId } from 'mongodb'
import type { Conversation } from '../../conversation.ts'
import type { Draft } from '../store.ts'
import type { Collections, LogDocument } from './collections.ts'
import { READ } from './connection.ts'

/** What the draft becomes as the next entry after `before`. */
export function entryAfter(before: Conversation | undefined, draft: Draft, createdAt: Date): Entry {
  const rev = (before?.rev ?? 0) + 1
  const { conversationId, id, senderId } = draft
  const headSeq = before?.headSeq ?? 0
  const base = { conversationId, rev, id, senderId, createdAt: createdAt.toISOString(), headSeq }
  switch (draft.kind) {
    case 'message': {
      const seq = headSeq + 1
      return { ...base, kind: 'message', seq, headSeq: seq, text: draft.text, membersRev: draft.membersRev }
    }
    case 'created': {
      const { kind, conversationKind, title, members } = draft
      return { ...base, kind, conversationKind, title, members, membersRev: rev }
    }
    case 'renamed':
      return { ...base, kind: 'renamed', title: draft.title, membersRev: draft.membersRev }
    case 'members.added':
    case 'members.removed':
      return { ...base, kind: draft.kind, userIds: draft.userIds, membersRev: rev }
    default:
      throw new Error(`unknown draft ${(draft satisfies never as Draft).kind}`)
  }
}

/** An entry as it is first kept: pending, under an `_id` of its own by which its appender knows it again. */
export function documentOf(entry: Entry, contentHash: string): LogDocument {
  const createdAt = new Date(entry.createdAt)
  return { ...entry, _id: new ObjectId(), contentHash, createdAt, outbox: createdAt }
}

/** The entry in a document of the log. */
export function entryOf(document: LogDocument): Entry {
  const { _id, contentHash, outbox, ...entry } = document
  return { ...entry, createdAt: entry.createdAt.toISOString() } as Entry
}

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
  projection: Partial<Record<keyof LogDocument | 'text', 0>> = {},
): Promise<LogDocument[]> {
  const first = Math.max(from, 1)
  const last = Math.min(to, first + LIMITS.pageMax - 1)
  if (!(first <= last)) return []
  for (let scan = 1; scan <= 5; scan++) {
    const filter = { conversationId, [by]: { $gte: first, $lte: last } }
    const found = await log.find(filter, { ...READ, projection }).toArray()
    found.sort((a, b) => a.rev - b.rev)
    if (found.every((document, n) => placeOf(document, by) === first + n)) return found
  }
  throw new Error(`the log of ${conversationId} has a hole between ${by} ${first} and ${last}`)
}

function placeOf(document: LogDocument, by: 'rev' | 'seq'): number {
  return by === 'rev' || document.kind !== 'message' ? document.rev : document.seq
}
