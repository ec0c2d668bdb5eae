import type { Collection, Filter } from 'mongodb'
import { type DepartureStore, GONE_REV } from '../store.ts'
import { updateEach } from './bulk.ts'
import type { Collections, LogDocument } from './collections.ts'
import { answered, BOUNDED, READ } from './connection.ts'
import { PENDING } from './outbox.ts'

/** Who deleted their account. The document stays, without more than the id, so that nobody goes twice. */
export function openDepartures({
  departures,
  people,
  inbox,
  inboxHeads,
  log,
  settings,
  own,
  ownHeads,
}: Pick<
  Collections,
  'departures' | 'people' | 'inbox' | 'inboxHeads' | 'log' | 'settings' | 'own' | 'ownHeads'
>): DepartureStore {
  /**
   * Where the user was put and may have no row yet, since who appended it died before: it is pending until there is one. To be asked
   * before the rows are, so that what is settled in between is found there. As many as one can be in at most.
   */
  async function pendingOf(userId: string): Promise<string[]> {
    const joined = {
      outbox: PENDING,
      kind: { $in: ['created' as const, 'members.added' as const] },
      $or: [{ 'members.userId': userId }, { userIds: userId }],
    } as Filter<LogDocument>
    const found = await log.find(joined, { ...READ, projection: { _id: 0, conversationId: 1 } }).toArray()
    return found.map(({ conversationId }) => conversationId)
  }

  return {
    async begin({ userId, messages, at }) {
      const nameless = {
        $set: { username: '', rev: GONE_REV },
        $unset: { displayName: '' as const, colour: '' as const },
      }
      await answered(updateEach(people, [{ updateOne: { filter: { _id: userId }, update: nameless, upsert: true } }]))
      const begun = { $setOnInsert: { messages, at, open: true as const } }
      await answered(updateEach(departures, [{ updateOne: { filter: { _id: userId }, update: begun, upsert: true } }]))
    },
    async open(limit) {
      const found = await answered(departures.find({ open: true }, { ...READ, limit }).toArray())
      return found.map(({ _id, messages, at, after }) => ({
        userId: _id,
        messages,
        at,
        ...(after !== undefined && { after }),
      }))
    },
    async conversations(userId, after = '', limit) {
      const pending = await answered(pendingOf(userId))
      // A row may not be written yet though its stamp was given out: see `InboxHeadDocument`.
      const head = await answered(inboxHeads.findOne({ _id: userId }, BOUNDED))
      const options = { ...READ, sort: { conversationId: 1 }, limit, projection: { conversationId: 1 } } as const
      const rows = await answered(inbox.find({ userId, conversationId: { $gt: after } }, options).toArray())
      const ids = [...pending, ...[...rows, ...(head?.recent ?? [])].map(({ conversationId }) => conversationId)]
      return [...new Set(ids)]
        .filter((id) => id > after)
        .sort()
        .slice(0, limit)
    },
    async advance(userId, after) {
      await answered(departures.updateOne({ _id: userId, open: true }, { $set: { after } }, BOUNDED))
    },
    async forget(userId, limit) {
      // What is noted in the heads is not to be carried out any more.
      let count = await answered(removeSome(ownHeads, userId, limit))
      if (count < limit) count += await answered(removeSome(own, userId, limit - count))
      if (count < limit) count += await answered(removeSome(settings, userId, limit - count))
      return count
    },
    async finish(userId) {
      const rest = { $unset: { open: '' as const, after: '' as const } }
      await answered(departures.updateOne({ _id: userId }, rest, BOUNDED))
    },
  }
}

/** At most `limit` documents of that user; gives of how many. */
async function removeSome<D extends { userId: string }>(
  collection: Collection<D>,
  userId: string,
  limit: number,
): Promise<number> {
  const ofUser = { userId } as Filter<D>
  const found = await collection.find(ofUser, { ...READ, limit, projection: { _id: 1 } }).toArray()
  if (found.length === 0) return 0
  const ids = found.map(({ _id }) => _id)
  const { deletedCount } = await collection.deleteMany({ ...ofUser, _id: { $in: ids } } as Filter<D>, BOUNDED)
  return deletedCount
}
