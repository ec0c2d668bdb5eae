import type { UpdateFilter } from 'mongodb'
import type { PeopleStore } from '../store.ts'
import { updateEach } from './bulk.ts'
import type { Collections, PersonDocument } from './collections.ts'
import { answered, READ } from './connection.ts'

/** The projection of users. */
export function openPeople({ people }: Pick<Collections, 'people'>): PeopleStore {
  return {
    async put({ id, username, displayName, colour, rev = 0 }) {
      const chosen = { ...(displayName !== undefined && { displayName }), ...(colour !== undefined && { colour }) }
      const taken: { displayName?: true; colour?: true } = {
        ...(displayName === undefined && { displayName: true }),
        ...(colour === undefined && { colour: true }),
      }
      const update: UpdateFilter<PersonDocument> = {
        $set: { username, rev, ...chosen },
        ...(Object.keys(taken).length > 0 && { $unset: taken }),
      }
      const made = { filter: { _id: id }, update: { $setOnInsert: { username } }, upsert: true }
      await answered(updateEach(people, [{ updateOne: made }]))
      // A later one stays: also one that comes between the two.
      const filter = { _id: id, $or: [{ rev: { $exists: false } }, { rev: { $lte: rev } }] }
      await answered(updateEach(people, [{ updateOne: { filter, update } }]))
    },
    async find(ids) {
      const found = await answered(people.find({ _id: { $in: [...ids] } }, READ).toArray())
      return found.map(({ _id, username, displayName, colour, rev }) => ({
        id: _id,
        username,
        ...(displayName !== undefined && { displayName }),
        ...(colour !== undefined && { colour }),
        ...(rev && { rev }),
      }))
    },
  }
}
