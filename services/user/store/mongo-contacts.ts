import { attempt, isDuplicate } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import { type ContactStore, listKey, listsOf, type Pair } from './contacts.ts'

/** One document for two users: what is between them, the lists it is in and the outbox are written in one atomic step. */
type PairDocument = Omit<Pair, 'key'> & { _id: string; lists: string[]; untold?: true }

/** The contacts, with their indexes made. Throws when one cannot be made. */
export async function mongoContacts(db: Db): Promise<ContactStore> {
  const contacts: Collection<PairDocument> = db.collection('contacts')
  await contacts.createIndexes([
    { key: { lists: 1, _id: 1 }, name: 'lists' },
    { key: { untold: 1 }, name: 'untold', partialFilterExpression: { untold: true } },
  ])

  return {
    find: (keys) =>
      attempt(async () =>
        keys.length === 0 ? [] : (await contacts.find({ _id: { $in: [...keys] } }).toArray()).map(pairOf),
      ),

    save: ({ key, rev, low, high }) =>
      attempt(async () => {
        const lists = listsOf(key, { low, high })
        if (rev > 1) {
          const moved = { $set: { rev, low, high, lists, untold: true as const } }
          return (await contacts.updateOne({ _id: key, rev: rev - 1 }, moved)).matchedCount === 1
        }
        try {
          await contacts.insertOne({ _id: key, rev, low, high, lists, toldRev: 0, untold: true })
          return true
        } catch (error) {
          if (isDuplicate(error)) return false
          throw error
        }
      }),

    list: (userId, list, after = '', limit) =>
      attempt(async () =>
        (
          await contacts
            .find({ lists: listKey(userId, list), _id: { $gt: after } })
            .sort({ _id: 1 })
            .limit(limit)
            .toArray()
        ).map(pairOf),
      ),

    count: (userId, list, atMost) =>
      attempt(async () => {
        const some = contacts.find({ lists: listKey(userId, list) }, { projection: { _id: 1 } }).limit(atMost)
        return (await some.toArray()).length
      }),

    untold: (limit) => attempt(async () => (await contacts.find({ untold: true }).limit(limit).toArray()).map(pairOf)),

    told: (pairs) =>
      attempt(async () => {
        for (const { key, rev } of pairs) {
          await contacts.updateOne({ _id: key }, { $max: { toldRev: rev } })
          // Only where it has not moved on meanwhile: what did is still to be told.
          await contacts.updateOne({ _id: key, rev }, { $unset: { untold: '' } })
        }
      }),
  }
}

function pairOf({ _id: key, rev, low, high, toldRev }: PairDocument): Pair {
  return { key, rev, low, high, toldRev }
}
