import { LIMITS } from '@parley/protocol/limits'
import { type OwnChange, type OwnChanged, type OwnMark, withOwnChange } from '@parley/protocol/own'
import { type OwnStore, type Starred, type Stay, starPlace } from '../store.ts'
import { updateEach } from './bulk.ts'
import type { Collections, OwnDocument, OwnHeadDocument, OwnNote } from './collections.ts'
import { answered, BOUNDED, isDuplicate, READ, unavailable } from './connection.ts'
import type { Heads } from './heads.ts'
import type { Raise } from './raise.ts'

/** Only the devices of one user write the same head: more than this at once is no accident. */
const TRIES = 30

/**
 * A change is one write of the head document of that user and conversation: it takes the next `rev`s on the very one that it was
 * worked out from, and notes there what changed. Only then are the messages' documents written, each unless it knows a later
 * `rev`, and only then the notes removed. A reader takes the head first and lays its notes over the documents, so a writer that
 * stops in between, for however long, hides nothing behind a device's `rev` and turns nothing back.
 */
export function openOwn(parts: {
  collections: Pick<Collections, 'own' | 'ownHeads'>
  heads: Heads
  raise: Raise
}): OwnStore {
  const { heads, raise } = parts
  const { own, ownHeads } = parts.collections

  async function change(stay: Stay, wanted: OwnChange): Promise<OwnChanged | undefined> {
    const { conversationId, userId, fromRev } = stay
    const conversation = await heads.load(conversationId)
    if (conversation?.conversation.members.get(userId)?.fromRev !== fromRev) return undefined
    for (let tries = 1; tries <= TRIES; tries++) {
      const head = await headOf(userId, conversationId)
      const before = new Map((await latest(head, { seq: { $in: [...wanted.seqs] } })).map((one) => [one.seq, one]))
      const notes = notesOf(wanted, before, head?.rev ?? 0)
      const rev = notes.at(-1)?.rev ?? head?.rev ?? 0
      if (notes.length > 0 && !(await note(userId, conversationId, head, notes))) continue
      await settle(userId, conversationId)
      // Also where nothing changed: whoever wrote it may have stopped before this.
      await raise(conversation.conversation, [userId], [])
      return { items: notes.map(markOf), rev }
    }
    throw unavailable()
  }

  const headOf = (userId: string, conversationId: string): Promise<OwnHeadDocument | null> =>
    ownHeads.findOne({ userId, conversationId }, BOUNDED)

  /** What the documents say that fit, and the head's notes over them: as everything was when the head was read. */
  async function latest(
    head: OwnHeadDocument | null,
    where: { seq?: object; rev?: object },
    options: { sort?: { rev: 1 }; limit?: number } = {},
  ): Promise<OwnNote[]> {
    if (!head) return []
    const { userId, conversationId, notes } = head
    const found = await own.find({ userId, conversationId, ...where }, { ...READ, ...options }).toArray()
    const bySeq = new Map<number, OwnNote>(found.map((document) => [document.seq, document]))
    for (const one of notes) if (one.rev > (bySeq.get(one.seq)?.rev ?? 0)) bySeq.set(one.seq, one)
    return [...bySeq.values()]
  }

  /** Takes the next `rev`s, durably. False when another was faster. */
  async function note(userId: string, conversationId: string, head: OwnHeadDocument | null, notes: OwnNote[]) {
    const rev = notes.at(-1)!.rev
    if (head) {
      const onThat = { userId, conversationId, rev: head.rev }
      const { matchedCount } = await ownHeads.updateOne(
        onThat,
        { $set: { rev }, $push: { notes: { $each: notes } } },
        BOUNDED,
      )
      return matchedCount === 1
    }
    try {
      await ownHeads.insertOne({ userId, conversationId, rev, notes }, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }

  /** Writes the documents for all that is noted, whoever noted it, then removes the notes. */
  async function settle(userId: string, conversationId: string): Promise<void> {
    const head = await headOf(userId, conversationId)
    if (!head || head.notes.length === 0) return
    const last = new Map(head.notes.map((one) => [one.seq, one]))
    await updateEach(
      own,
      [...last.values()].map(({ seq, rev, starred, hidden }) => {
        const later = { $gt: [{ $ifNull: ['$rev', 0] }, rev] }
        const set = { rev, starred, hidden }
        const values = Object.entries(set).map(([field, value]) => [field, { $cond: [later, `$${field}`, value] }])
        const filter = { userId, conversationId, seq }
        return { updateOne: { filter, update: [{ $set: Object.fromEntries(values) }], upsert: true } }
      }),
    )
    const settled = { $pull: { notes: { rev: { $lte: head.rev } } } }
    await ownHeads.updateOne({ userId, conversationId }, settled, BOUNDED)
  }

  async function page(userId: string, conversationId: string, fromSeq: number, after: number, limit: number) {
    // What a writer that stopped has left is carried out for the list of what is starred, too.
    await settle(userId, conversationId)
    const head = await headOf(userId, conversationId)
    const where = { rev: { $gt: after }, seq: { $gte: fromSeq } }
    const found = await latest(head, where, { sort: { rev: 1 }, limit: limit + (head?.notes.length ?? 0) })
    const rev = head?.rev ?? 0
    // What has changed again since the head was read is above its `rev`, and told then.
    const fitting = found.filter((one) => one.rev > after && one.rev <= rev && one.seq >= fromSeq)
    const items = fitting.sort((a, b) => a.rev - b.rev).slice(0, limit)
    const upTo = items.length < limit ? rev : (items.at(-1)?.rev ?? rev)
    return { items: items.map(markOf), rev: upTo, more: upTo < rev }
  }

  async function among(userId: string, conversationId: string, fromSeq: number, toSeq: number): Promise<OwnMark[]> {
    const to = Math.min(toSeq, fromSeq + LIMITS.pageMax - 1)
    const found = await latest(await headOf(userId, conversationId), { seq: { $gte: fromSeq, $lte: to } })
    return found
      .filter(({ seq }) => seq >= fromSeq && seq <= to)
      .sort((a, b) => a.seq - b.seq)
      .map(markOf)
  }

  async function revs(userId: string, conversationIds: readonly string[]): Promise<number[]> {
    if (conversationIds.length === 0) return []
    const options = { ...READ, projection: { _id: 0, conversationId: 1, rev: 1 } }
    const found = await ownHeads.find({ userId, conversationId: { $in: [...conversationIds] } }, options).toArray()
    const revOf = new Map(found.map(({ conversationId, rev }) => [conversationId, rev]))
    return conversationIds.map((id) => revOf.get(id) ?? 0)
  }

  async function starred(userId: string, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<Starred[]> {
    const options = { ...READ, sort: { starred: -1 }, limit } as const
    const found = await own.find({ userId, starred: { $gt: 0, $lt: before } }, options).toArray()
    return found.map(({ conversationId, seq, starred }) => ({ conversationId, seq, place: starred }))
  }

  async function unstar(userId: string, messages: readonly Omit<Starred, 'place'>[]): Promise<void> {
    await updateEach(
      own,
      messages.map(({ conversationId, seq }) => ({
        updateOne: { filter: { userId, conversationId, seq }, update: { $set: { starred: 0 } } },
      })),
    )
  }

  return {
    change: (...wanted) => answered(change(...wanted)),
    page: (...place) => answered(page(...place)),
    among: (...range) => answered(among(...range)),
    revs: (...which) => answered(revs(...which)),
    starred: (...which) => answered(starred(...which)),
    countStarred: (userId, max) =>
      answered(own.countDocuments({ userId, starred: { $gt: 0 } }, { ...BOUNDED, limit: max })),
    unstar: (...which) => answered(unstar(...which)),
  }
}

/** What the change makes of these messages, with the `rev`s that follow. */
function notesOf(wanted: OwnChange, before: ReadonlyMap<number, OwnNote>, from: number): OwnNote[] {
  const now = Date.now()
  const notes: OwnNote[] = []
  for (const seq of new Set(wanted.seqs)) {
    const known = before.get(seq)
    const next = withOwnChange(known && markOf(known), wanted)
    if (!next) continue
    const place = known?.starred || starPlace(now, notes.length)
    notes.push({ seq, rev: from + notes.length + 1, starred: next.starred ? place : 0, hidden: next.hidden })
  }
  return notes
}

function markOf({ seq, rev, starred, hidden }: OwnNote | OwnDocument): OwnMark {
  return { seq, rev, starred: starred > 0, hidden }
}
