import { changed, changesMessage, type MessageChange, mentionsOf } from '@parley/protocol/message-change'
import type { Filter, UpdateFilter } from 'mongodb'
import type { Collections, LogDocument } from './collections.ts'
import { BOUNDED, READ } from './connection.ts'
import { entryOf, isExpired, keptOf, namedIn } from './entries.ts'

/** Carries out what was appended and is not carried out yet, in that conversation. Whoever needs to see it does it; repeatable. */
export type Amend = (conversationId: string) => Promise<void>

/**
 * A change of a message is an entry first (`unapplied`), then carried out in the message's own document, in the order of
 * `rev`: each step is made only on the state that it was worked out from, so two processes that do the same work, and one
 * that comes back from a long pause, change nothing twice and nothing back. A reader does what is left before it reads, so a
 * page shows every change up to the head that was read before it. The text of an edit moves from the entry to the message:
 * deleting is one write of one document.
 */
export function amendIn(log: Collections['log']): Amend {
  return async (conversationId) => {
    const left = await log.find({ conversationId, unapplied: conversationId }, READ).toArray()
    left.sort((a, b) => a.rev - b.rev)
    for (const document of left) {
      const change = entryOf(document)
      if (changesMessage(change)) await carryOut(change)
    }
  }

  async function carryOut(change: MessageChange): Promise<void> {
    const { conversationId, seq } = change
    let message = await read(conversationId, seq)
    while (message && (message.changedRev ?? 0) < change.rev) {
      const asRead = asItWas(message)
      // First, while the message still names them: who dies in between leaves the deletion to be carried out.
      if (change.kind === 'message.deleted') await forgetEdits(log, message)
      await log.updateOne(asRead, stepOf(message, change), BOUNDED)
      message = await read(conversationId, seq)
    }
    // An edit of what was deleted, or has disappeared, leaves nothing either.
    const gone = message && (message.deleted || isExpired(message))
    const erased = change.kind === 'message.edited' && gone ? { $set: { contentHash: '' } } : {}
    const moved = { unapplied: '', text: '', mentions: '', mentionsAll: '' } as const
    const done = { ...erased, $unset: moved }
    await log.updateOne({ conversationId, rev: change.rev }, done, BOUNDED)
  }

  function read(conversationId: string, seq: number): Promise<LogDocument | null> {
    return log.findOne({ conversationId, seq }, BOUNDED)
  }
}

/** The very state of a message that was read. */
export function asItWas({ conversationId, _id, changedRev, deleted }: LogDocument): Filter<LogDocument> {
  return { conversationId, _id, changedRev: changedRev ?? { $exists: false }, deleted: deleted ?? { $exists: false } }
}

/** Takes out the hashes of the texts that a message, to be erased, has had by its edits. */
export async function forgetEdits(
  log: Collections['log'],
  { conversationId, versions = [], textRev }: LogDocument,
): Promise<void> {
  const revs = [...versions.map(({ rev }) => rev), ...(textRev === undefined ? [] : [textRev])]
  const edits = { conversationId, rev: { $in: revs }, kind: 'message.edited' as const }
  if (revs.length > 0) await log.updateMany(edits, { $set: { contentHash: '' } }, BOUNDED)
}

/** Nobody is named any more. */
const UNNAMED = { mentions: '', mentionsAll: '', named: '', namedSeq: '' } as const

/** Nothing is kept from which it could be told what a message said. */
export const ERASED = {
  editedAt: '',
  edits: '',
  reactions: '',
  versions: '',
  textRev: '',
  replyTo: '',
  forwarded: '',
  ...UNNAMED,
} as const

/** What makes of a message, as it was read, what the change makes of it. */
function stepOf(message: LogDocument, change: MessageChange): UpdateFilter<LogDocument> {
  // A deletion erases what is kept, though nothing of it were read any more.
  const before = change.kind === 'message.deleted' ? keptOf(message) : entryOf(message)
  if (before.kind !== 'message') throw new Error(`${change.rev} of ${change.conversationId} changes no message`)
  const after = changed(before, change)
  const { changedRev, text, editedAt, edits, deleted, reactions = [] } = after
  if (before.deleted) return { $set: { changedRev } }
  if (deleted)
    return {
      $set: { changedRev, text, deleted, contentHash: '', tombstone: message.conversationId, tombstoneSeq: change.seq },
      $unset: ERASED,
    }
  if (change.kind !== 'message.edited')
    return reactions.length > 0
      ? { $set: { changedRev, reactions } }
      : { $set: { changedRev }, $unset: { reactions: '' } }
  const since = message.textRev ?? message.rev
  const createdAt = before.editedAt === undefined ? message.createdAt : new Date(before.editedAt)
  const named = { ...mentionsOf(after), ...namedIn(after) }
  const unnamed = Object.fromEntries(Object.entries(UNNAMED).filter(([field]) => !(field in named)))
  return {
    $set: { changedRev, text, editedAt, edits, textRev: change.rev, ...named },
    ...(Object.keys(unnamed).length > 0 && { $unset: unnamed }),
    $push: { versions: { rev: since, text: before.text, createdAt, ...mentionsOf(before) } },
  }
}
