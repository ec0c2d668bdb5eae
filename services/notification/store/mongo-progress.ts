import { attempt } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import type { ProgressStore } from './progress.ts'

export function mongoProgress(db: Db): ProgressStore {
  const progress: Collection<{ _id: string; position: number }> = db.collection('progress')
  return {
    of: (_id) => attempt(async () => (await progress.findOne({ _id }))?.position),
    set: (_id, position) =>
      attempt(async () => {
        await progress.updateOne({ _id }, { $set: { position } }, { upsert: true })
      }),
  }
}
