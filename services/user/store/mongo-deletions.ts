import { crashPoint } from '@parley/kit/crash'
import { attempt, isDuplicate } from '@parley/kit/mongo'
import type { Db } from 'mongodb'
import type { DeletionStore } from './deletions.ts'
import type { openControl } from './mongo-control.ts'
import type { Collections, DeletionDocument } from './mongo-schema.ts'

/**
 * Deleting without a multi-document transaction, in steps of one document each:
 *
 * 1. the wish is written down, with the hash that proved it,
 * 2. the account goes, if it still has that hash (else the wish goes, and nothing has happened),
 * 3. the control log is told (`subject` is the user, so it is there once), sessions and profile go,
 * 4. the wish becomes a deletion, which stays until everyone knows.
 *
 * Whoever finds a wish does the rest. A session that is made between 2 and 3 is ended by who makes it: the account is gone by then.
 */
export function openDeletions(
  db: Db,
  { users, sessions, deletions, control: log }: Collections,
  control: ReturnType<typeof openControl>,
): DeletionStore & { heal(): Promise<void> } {
  const profiles = db.collection<{ _id: string }>('profiles')

  async function carryOut({ _id: userId, messages, at, before }: DeletionDocument): Promise<boolean> {
    const gone = await users.deleteOne({ _id: userId, passwordHash: before! })
    if (gone.deletedCount === 0 && (await users.findOne({ _id: userId }, { projection: { _id: 1 } }))) {
      await deletions.deleteOne({ _id: userId, before: before! })
      return false
    }
    crashPoint('delete.before-log')
    await control.append({ subject: userId, at, kind: 'user.deleted', userId, messages })
    await sessions.deleteMany({ userId })
    await profiles.deleteOne({ _id: userId })
    await deletions.updateOne({ _id: userId }, { $unset: { before: '' } })
    return true
  }

  return {
    heal: () =>
      attempt(async () => {
        const wishes = await deletions
          .find({ before: { $exists: true } })
          .limit(100)
          .toArray()
        for (const wish of wishes) await carryOut(wish)
      }),
    begin: ({ userId, messages, at }, before) =>
      attempt(async () => {
        const wish = { _id: userId, messages, at, before }
        try {
          await deletions.insertOne(wish)
        } catch (error) {
          if (!isDuplicate(error)) throw error
          // Another wish of the same user: it is carried out first, and if it cannot be, this one is tried.
          const other = await deletions.findOne({ _id: userId })
          if (other?.before !== undefined && (await carryOut(other))) return true
          if (other && other.before === undefined) return true
          await deletions.replaceOne({ _id: userId }, { messages, at, before }, { upsert: true })
        }
        return carryOut(wish)
      }),
    open: (limit) =>
      attempt(async () => {
        const found = deletions.find({ before: { $exists: false } }).limit(limit)
        return (await found.toArray()).map(({ _id, messages, at }) => ({ userId: _id, messages, at }))
      }),
    finish: (userIds) =>
      attempt(async () => {
        await deletions.deleteMany({ _id: { $in: [...userIds] }, before: { $exists: false } })
      }),
    gone: (userIds) =>
      attempt(async () => {
        const found = log.find({ subject: { $in: [...userIds] } }, { projection: { _id: 0, kind: 1, userId: 1 } })
        return (await found.toArray()).flatMap(({ kind, userId }) => (kind === 'user.deleted' ? [userId] : []))
      }),
  }
}
