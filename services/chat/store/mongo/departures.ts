import { type DepartureStore, GONE_REV } from '../store.ts'
import { updateEach } from './bulk.ts'
import type { Collections } from './collections.ts'
import { answered, BOUNDED, READ } from './connection.ts'

/** Who deleted their account. The document stays, without more than the id, so that nobody goes twice. */
export function openDepartures({
  departures,
  people,
  inbox,
  inboxHeads,
}: Pick<Collections, 'departures' | 'people' | 'inbox' | 'inboxHeads'>): DepartureStore {
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
      // A row may not be written yet though its stamp was given out: see `InboxHeadDocument`.
      const head = await answered(inboxHeads.findOne({ _id: userId }, BOUNDED))
      const options = { ...READ, sort: { conversationId: 1 }, limit, projection: { conversationId: 1 } } as const
      const rows = await answered(inbox.find({ userId, conversationId: { $gt: after } }, options).toArray())
      const ids = [...rows, ...(head?.recent ?? [])].map(({ conversationId }) => conversationId)
      return [...new Set(ids)]
        .filter((id) => id > after)
        .sort()
        .slice(0, limit)
    },
    async advance(userId, after) {
      await answered(departures.updateOne({ _id: userId, open: true }, { $set: { after } }, BOUNDED))
    },
    async finish(userId) {
      const rest = { $unset: { open: '' as const, after: '' as const } }
      await answered(departures.updateOne({ _id: userId }, rest, BOUNDED))
    },
  }
}
