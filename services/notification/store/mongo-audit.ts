import { attempt, isDuplicate, makeIndexes } from '@parley/kit/mongo'
import type { Db } from 'mongodb'
import { type AuditEntry, type AuditStore, deletedIdOf } from './audit.ts'

type AuditDocument = Omit<AuditEntry, 'id'> & { _id: string }

const LATEST_FIRST = { at: -1, _id: -1 } as const

export async function mongoAudit(db: Db): Promise<AuditStore> {
  const audit = db.collection<AuditDocument>('audit')
  await makeIndexes('audit', () =>
    audit.createIndexes([
      { key: LATEST_FIRST, name: 'at' },
      { key: { userId: 1, ...LATEST_FIRST }, name: 'user' },
      { key: { kind: 1, ...LATEST_FIRST }, name: 'kind' },
    ]),
  )

  async function added({ id: _id, ...document }: AuditEntry): Promise<boolean> {
    try {
      return (await audit.updateOne({ _id }, { $setOnInsert: document }, { upsert: true })).upsertedCount === 1
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }

  return {
    note: (entry) =>
      attempt(async () => {
        const { id: _id, kind, userId, place } = entry
        const isNew = await added(entry)
        // Each first adds its own and then looks for the other: of two at once one sees the other. So it is also when one dies and comes again.
        if (kind === 'account.deleted')
          await audit.updateMany({ userId, place: { $exists: true } }, { $unset: { place: '' } })
        else if (place !== undefined && (await audit.findOne({ _id: deletedIdOf(userId) })))
          await audit.updateOne({ _id }, { $unset: { place: '' } })
        return isNew
      }),

    list: ({ userId, kind, after = 0, before }, limit) =>
      attempt(async () => {
        const found = audit.find({
          ...(userId !== undefined && { userId }),
          ...(kind !== undefined && { kind }),
          at: { $gte: after, ...(before && { $lte: before.at }) },
          ...(before && { $or: [{ at: { $lt: before.at } }, { _id: { $lt: before.id } }] }),
        })
        const documents = await found.sort(LATEST_FIRST).limit(limit).toArray()
        return documents.map(({ _id: id, ...document }) => ({ id, ...document }))
      }),

    purge: (before, limit) =>
      attempt(async () => {
        const old = audit.find({ at: { $lt: before } }, { projection: { _id: 1 } }).sort({ at: 1, _id: 1 })
        const ids = (await old.limit(limit).toArray()).map(({ _id }) => _id)
        return ids.length === 0 ? 0 : (await audit.deleteMany({ _id: { $in: ids } })).deletedCount
      }),
  }
}
