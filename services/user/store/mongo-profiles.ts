import { attempt, isDuplicate } from '@parley/kit/mongo'
import { isOpen, privacyOf } from '@parley/protocol/profile'
import type { Collection, Db } from 'mongodb'
import { mongoWords } from './mongo-words.ts'
import type { ProfileStore, StoredProfile } from './profiles.ts'

/** One document for each user who has set anything: profile, what it is searched by, and outbox are written in one atomic step. */
type ProfileDocument = Omit<StoredProfile, 'userId'> & {
  _id: string
  keepsBack?: true
  untold?: true
  /** Absent of what was written before there were words: nothing has made them yet. */
  worded?: true
}

/** The profiles, with their indexes made. Throws when one cannot be made. */
export async function mongoProfiles(db: Db): Promise<ProfileStore> {
  const profiles: Collection<ProfileDocument> = db.collection('profiles')
  await profiles.createIndexes([
    { key: { keepsBack: 1, _id: 1 }, name: 'keepsBack', partialFilterExpression: { keepsBack: true } },
    { key: { untold: 1 }, name: 'untold', partialFilterExpression: { untold: true } },
    { key: { worded: 1 }, name: 'worded' },
  ])
  const words = await mongoWords(db, async (userId) => (await profiles.findOne({ _id: userId })) ?? undefined)
  for await (const { _id } of profiles.find({ worded: { $exists: false } })) {
    await words.follow(_id)
    await profiles.updateOne({ _id }, { $set: { worded: true } })
  }

  return {
    find: (userIds) =>
      attempt(async () =>
        userIds.length === 0 ? [] : (await profiles.find({ _id: { $in: [...userIds] } }).toArray()).map(profileOf),
      ),

    save: ({ userId, toldRev: _, ...profile }) =>
      attempt(async () => {
        const kept = !isOpen(privacyOf(profile))
        if (profile.rev > 1) {
          const moved = {
            $set: {
              ...profile,
              worded: true as const,
              untold: true as const,
              ...(kept && { keepsBack: true as const }),
            },
            ...(!kept && { $unset: { keepsBack: '' as const } }),
          }
          const done = await profiles.updateOne({ _id: userId, rev: profile.rev - 1 }, moved)
          if (done.matchedCount === 0) return false
          await words.follow(userId)
          return true
        }
        try {
          await profiles.insertOne({
            _id: userId,
            ...profile,
            worded: true,
            toldRev: 0,
            untold: true,
            ...(kept && { keepsBack: true as const }),
          })
        } catch (error) {
          if (isDuplicate(error)) return false
          throw error
        }
        await words.follow(userId)
        return true
      }),

    named: (prefix, after, limit) => attempt(() => words.named(prefix, after, limit)),

    erase: (userId) =>
      attempt(async () => {
        await profiles.deleteOne({ _id: userId })
        await words.follow(userId)
      }),

    keepingBack: (after = '', limit) =>
      attempt(async () =>
        (
          await profiles
            .find({ keepsBack: true, _id: { $gt: after } })
            .sort({ _id: 1 })
            .limit(limit)
            .toArray()
        ).map(profileOf),
      ),

    untold: (limit) =>
      attempt(async () => (await profiles.find({ untold: true }).limit(limit).toArray()).map(profileOf)),

    told: (told) =>
      attempt(async () => {
        for (const { userId, rev } of told) {
          // Whoever wrote it may have died before its words were there.
          await words.follow(userId)
          await profiles.updateOne({ _id: userId }, { $max: { toldRev: rev } })
          // Only where it has not moved on meanwhile: what did is still to be told.
          await profiles.updateOne({ _id: userId, rev }, { $unset: { untold: '' } })
        }
      }),
  }
}

function profileOf({ _id: userId, keepsBack: _, untold: __, worded: ___, ...profile }: ProfileDocument): StoredProfile {
  return { userId, ...profile }
}
