import { crashPoint } from '@parley/kit/crash'
import type { Document } from 'mongodb'
import type { Conversation } from '../../conversation.ts'
import { updateEach } from './bulk.ts'
import type { Assignment, Collections } from './collections.ts'
import { READ } from './connection.ts'

/** Raises the rows of these, where some device of theirs would miss the change otherwise. Repeatable; `conversation` may be old. */
export type Raise = (
  conversation: Pick<Conversation, 'id' | 'membersRev'>,
  members: readonly string[],
  gone: readonly string[],
) => Promise<void>

/**
 * Stamps are given out in the user's one head document, which in the same atomic step notes in `recent` what for. Only then
 * are the rows written, and only then the notes removed. A reader takes the head document first and adds its notes to the
 * rows, so a writer that stops between the steps, for however long, never hides a row behind a device's cursor.
 */
export function raiseIn({ inbox, inboxHeads }: Pick<Collections, 'inbox' | 'inboxHeads'>): Raise {
  return async (conversation, members, gone) => {
    const wanted = new Map<string, boolean>()
    for (const userId of gone) wanted.set(userId, true)
    for (const userId of members) wanted.set(userId, false)
    const due = await usersDue(conversation, wanted)
    if (due.length === 0) return
    crashPoint('inbox.before-raise')
    await updateEach(
      inboxHeads,
      due.map((userId) => {
        const note = {
          conversationId: conversation.id,
          membersRev: conversation.membersRev,
          gone: wanted.get(userId) === true,
        }
        return { updateOne: { filter: { _id: userId }, update: [giveStamp(note)], upsert: true } }
      }),
    )
    await settle(due)
  }

  /** Those who have no such row yet, or one that says otherwise, or one that some device has already been given. */
  async function usersDue(conversation: Pick<Conversation, 'id' | 'membersRev'>, wanted: ReadonlyMap<string, boolean>) {
    const userIds = [...wanted.keys()]
    const [heads, rows] = await Promise.all([
      inboxHeads.find({ _id: { $in: userIds } }, READ).toArray(),
      inbox.find({ userId: { $in: userIds }, conversationId: conversation.id }, READ).toArray(),
    ])
    const headOf = new Map(heads.map((head) => [head._id, head]))
    const rowOf = new Map(rows.map((row) => [row.userId, row]))
    return userIds.filter((userId) => {
      const head = headOf.get(userId)
      const notes = head?.recent.filter((note) => note.conversationId === conversation.id) ?? []
      const row = merged([...notes, ...(rowOf.has(userId) ? [rowOf.get(userId)!] : [])])
      if (!row || !head) return true
      if (row.gone !== wanted.get(userId)) return row.membersRev <= conversation.membersRev
      return !row.gone && row.stamp <= head.synced
    })
  }

  /** Writes the rows for all that is noted in these head documents, whoever noted it, then removes the notes. */
  async function settle(userIds: readonly string[]): Promise<void> {
    const heads = await inboxHeads.find({ _id: { $in: [...userIds] } }, READ).toArray()
    const updates = heads.flatMap(({ _id: userId, recent }) => {
      const byConversation = Map.groupBy(recent, (note) => note.conversationId)
      return [...byConversation.values()].map((notes) => ({ userId, row: merged(notes)! }))
    })
    await updateEach(
      inbox,
      updates.map(({ userId, row }) => ({
        updateOne: { filter: { userId, conversationId: row.conversationId }, update: [mergeRow(row)], upsert: true },
      })),
    )
    await updateEach(
      inboxHeads,
      heads.map(({ _id, stamp }) => ({
        updateOne: { filter: { _id }, update: { $pull: { recent: { stamp: { $lte: stamp } } } } },
      })),
    )
  }
}

/** What these say of one conversation, in any order: the largest stamp, and whether one is gone by the newest membership. */
export function merged(rows: readonly Assignment[]): Assignment | undefined {
  let best: Assignment | undefined
  for (const row of rows) {
    if (!best) best = row
    else {
      const { membersRev, gone } = row.membersRev > best.membersRev ? row : best
      best = { ...best, membersRev, gone, stamp: Math.max(best.stamp, row.stamp) }
    }
  }
  return best
}

/** The next stamp, and the note of what it is for. In one stage, so both see the document as it was before. */
function giveStamp(note: Omit<Assignment, 'stamp'>): Document {
  const stamp = { $add: [{ $ifNull: ['$stamp', 0] }, 1] }
  const recent = { $concatArrays: [{ $ifNull: ['$recent', []] }, [{ ...note, stamp }]] }
  return { $set: { stamp, recent, synced: { $ifNull: ['$synced', 0] } } }
}

/** `merged`, in the database's words. */
function mergeRow({ stamp, membersRev, gone }: Assignment): Document {
  const older = { $lt: [membersRev, { $ifNull: ['$membersRev', 0] }] }
  return {
    $set: {
      stamp: { $max: ['$stamp', stamp] },
      membersRev: { $max: ['$membersRev', membersRev] },
      gone: { $cond: [older, '$gone', gone] },
    },
  }
}
