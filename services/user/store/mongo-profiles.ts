import { attempt, isDuplicate } from '@parley/kit/mongo'
import { isOpen, privacyOf } from '@parley/protocol/profile'
import type { Collection, Db } from 'mongodb'
import type { ProfileStore, StoredProfile } from './profiles.ts'

/** One document for each user who has set anything: profile, what it is searched by, and outbox are written in one atomic step. */
type ProfileDocument = Omit<StoredProfile, 'userId'> & { _id: string; keepsBack?: true; untold?: true }

/** The profiles, with their indexes made. Throws when one cannot be made. */
export async function mongoProfiles(db: Db): Promise<ProfileStore> {
  const profiles: Collection<ProfileDocument> = db.collection('profiles')
  await profiles.createIndexes([
    { key: { keepsBack: 1, _id: 1 }, name: 'keepsBack', partialFilterExpression: { keepsBack: true } },
    { key: { untold: 1 }, name: 'untold', partialFilterExpression: { untold: true } },
  ])

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
            $set: { ...profile, untold: true as const, ...(kept && { keepsBack: true as const }) },
            ...(!kept && { $unset: { keepsBack: '' as const } }),
          }
          return (await profiles.updateOne({ _id: userId, rev: profile.rev - 1 }, moved)).matchedCount === 1
        }
        try {
          await profiles.insertOne({
            _id: userId,
            ...profile,
            toldRev: 0,
            untold: true,
            ...(kept && { keepsBack: true as const }),
          })
          return true
        } catch (error) {
          if (isDuplicate(error)) return false
          throw error
        }
      }),

    erase: (userId) => attempt(async () => void (await profiles.deleteOne({ _id: userId }))),

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
          await profiles.updateOne({ _id: userId }, { $max: { toldRev: rev } })
          // Only where it has not moved on meanwhile: what did is still to be told.
          await profiles.updateOne({ _id: userId, rev }, { $unset: { untold: '' } })
        }
      }),
  }
}

function profileOf({ _id: userId, keepsBack: _, untold: __, ...profile }: ProfileDocument): StoredProfile {
  return { userId, ...profile }
}
