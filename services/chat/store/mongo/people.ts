import type { PeopleStore } from '../store.ts'
import { updateEach } from './bulk.ts'
import type { Collections } from './collections.ts'
import { answered, READ } from './connection.ts'

/** The projection of users. */
export function openPeople({ people }: Pick<Collections, 'people'>): PeopleStore {
  return {
    put: ({ id, username }) =>
      answered(
        updateEach(people, [{ updateOne: { filter: { _id: id }, update: { $set: { username } }, upsert: true } }]),
      ),
    async find(ids) {
      const found = await answered(people.find({ _id: { $in: [...ids] } }, READ).toArray())
      return found.map(({ _id, username }) => ({ id: _id, username }))
    },
  }
}
