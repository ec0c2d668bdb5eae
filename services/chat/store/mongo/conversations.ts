import type { Entry } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { changesMessage } from '@parley/protocol/message-change'
import { applyEntry, type Conversation, NOTHING_MORE } from '../../conversation.ts'
import type { Collections, ConversationDocument } from './collections.ts'
import { BOUNDED, isDuplicate } from './connection.ts'
import { entryOf, readRange } from './entries.ts'

/** A conversation as its log is up to `conversation.rev`, and how far its document is known to have come. */
export interface Head {
  conversation: Conversation
  /** The `rev` of the latest entry that is neither a message nor a change of one. */
  changeRev: number
  /** The document has this `rev` or a higher one. */
  savedRev: number
  /** When the latest entry was created. */
  lastAt: string
}

/** Entries that the log may be ahead of its conversation's document before the document is brought up to date. */
const HINT_LAG = 64

/** What an entry makes of a head. */
export function headAfter(before: Head | undefined, entry: Entry): Head {
  return {
    conversation: applyEntry(before?.conversation, entry),
    changeRev: entry.kind === 'message' || changesMessage(entry) ? (before?.changeRev ?? 0) : entry.rev,
    savedRev: before?.savedRev ?? 0,
    lastAt: entry.createdAt,
  }
}

/** True when the document has fallen so far behind that readers would notice. */
export function lags(head: Head): boolean {
  return head.conversation.rev - head.savedRev >= HINT_LAG
}

/**
 * The head of the log, with everything that was acknowledged before the call. The document is only a hint how far to begin;
 * from there the log is probed forward by closed ranges, until one is not full.
 */
export async function loadHead(collections: Collections, conversationId: string): Promise<Head | undefined> {
  const saved = await collections.conversations.findOne({ _id: conversationId }, BOUNDED)
  let head = saved ? headOf(saved) : undefined
  for (;;) {
    const from = (head?.conversation.rev ?? 0) + 1
    const entries = await readRange(collections.log, 'rev', conversationId, from, Number.MAX_SAFE_INTEGER, { text: 0 })
    for (const document of entries) head = headAfter(head, entryOf(document))
    if (entries.length < LIMITS.pageMax) return head
  }
}

/**
 * Brings the document up to `head`. After a change it is written whole: every writer at one `rev` writes the same. After
 * messages only `rev` moves, and only on the change that they follow, so that no change is passed over.
 */
export async function saveHead(conversations: Collections['conversations'], head: Head): Promise<void> {
  const { rev, headSeq, id } = head.conversation
  if (head.savedRev >= head.changeRev) {
    const onThatChange = { _id: id, changeRev: head.changeRev, rev: { $lt: rev } }
    await conversations.updateOne(onThatChange, { $set: { rev, headSeq, lastAt: new Date(head.lastAt) } }, BOUNDED)
    return
  }
  const older = { _id: id, rev: { $lt: rev } }
  const whole = { $set: documentOf(head) }
  try {
    await conversations.updateOne(older, whole, { ...BOUNDED, upsert: true })
  } catch (error) {
    // The document is there: at `rev` or above (done), or just made by another at a lower one (to be raised).
    if (!isDuplicate(error)) throw error
    await conversations.updateOne(older, whole, BOUNDED)
  }
}

function headOf(document: ConversationDocument): Head {
  const { _id, changeRev, createdAt, lastAt, members, ...rest } = document
  return {
    conversation: {
      ...NOTHING_MORE,
      ...rest,
      id: _id,
      createdAt: createdAt.toISOString(),
      members: new Map(members.map((member) => [member.userId, member])),
    },
    changeRev,
    savedRev: rest.rev,
    lastAt: (lastAt ?? createdAt).toISOString(),
  }
}

function documentOf(head: Head): Omit<ConversationDocument, '_id'> {
  const { id: _id, createdAt, members, ...rest } = head.conversation
  const [created, last] = [new Date(createdAt), new Date(head.lastAt)]
  return { ...rest, changeRev: head.changeRev, createdAt: created, lastAt: last, members: [...members.values()] }
}
