import { isDuplicate } from '@parley/kit/mongo'
import { wordsOf } from '@parley/protocol/name-words'
import type { Collection, Db } from 'mongodb'
import type { NamePlace, StoredProfile } from './profiles.ts'
import { nameRange } from './store.ts'

/** One document for each word of each user: `_id` is the word, a blank (less than whatever is in a word) and the user. `rev` is the profile's. */
interface WordDocument {
  _id: string
  userId: string
  rev: number
}

/** The words of display names, in a collection of their own: an index of a field with many values gives no order. */
export interface Words {
  named(prefix: string, after: NamePlace | undefined, limit: number): Promise<NamePlace[]>
  /** Makes them those of the profile as it is, which was written before. Repeatable, and whoever else does so at once ends with the same. */
  follow(userId: string): Promise<void>
}

export async function mongoWords(
  db: Db,
  current: (userId: string) => Promise<Pick<StoredProfile, 'rev' | 'displayName'> | undefined>,
): Promise<Words> {
  const words: Collection<WordDocument> = db.collection('profileWords')
  await words.createIndexes([{ key: { userId: 1 }, name: 'user' }])

  async function put(userId: string, rev: number, word: string): Promise<void> {
    const one = (): Promise<unknown> =>
      words.updateOne({ _id: `${word} ${userId}` }, { $setOnInsert: { userId }, $max: { rev } }, { upsert: true })
    await one().catch((error) => {
      // Another has just made it.
      if (isDuplicate(error)) return one()
      throw error
    })
  }

  return {
    async follow(userId) {
      for (let done: number | undefined; ; ) {
        const profile = await current(userId)
        if (!profile) {
          await words.deleteMany({ userId })
          return
        }
        // What a slower one writes for an earlier `rev` it finds here, and takes away again.
        if (profile.rev === done) return
        done = profile.rev
        for (const word of wordsOf(profile.displayName)) await put(userId, done, word)
        await words.deleteMany({ userId, rev: { $lt: done } })
      }
    },

    async named(prefix, after, limit) {
      const [from, below] = nameRange(prefix, undefined)
      const found = words
        .find({ _id: after ? { $gt: `${after.word} ${after.userId}`, $lt: below } : { $gte: from, $lt: below } })
        .sort({ _id: 1 })
        .limit(limit)
      return (await found.toArray()).map(({ _id, userId }) => ({ word: _id.slice(0, -userId.length - 1), userId }))
    },
  }
}
