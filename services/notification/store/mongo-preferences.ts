import { attempt } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import { PREFERRED, type Preferences } from '../preferences.ts'
import type { PreferenceStore } from './preferences.ts'

type PreferencesDocument = Partial<Preferences> & { _id: string }

export function mongoPreferences(db: Db): PreferenceStore {
  const preferences: Collection<PreferencesDocument> = db.collection('preferences')
  return {
    change: (_id, change) =>
      attempt(async () => {
        const options = { upsert: true, returnDocument: 'after' } as const
        const update = Object.keys(change).length > 0 ? { $set: change } : { $setOnInsert: { push: PREFERRED.push } }
        return preferencesOf((await preferences.findOneAndUpdate({ _id }, update, options))!)
      }),
    find: (userIds) =>
      attempt(async () => {
        const found = await preferences.find({ _id: { $in: [...userIds] } }).toArray()
        return new Map(found.map((document) => [document._id, preferencesOf(document)]))
      }),
    forget: (_id) =>
      attempt(async () => {
        await preferences.deleteOne({ _id })
      }),
  }
}

/** What was not set is as it is for everybody. */
const preferencesOf = ({ _id, ...set }: PreferencesDocument): Preferences => ({ ...PREFERRED, ...set })
