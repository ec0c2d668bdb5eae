import { attempt, makeIndexes } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import type { AddressStore, Bounce } from './addresses.ts'

type AddressDocument = Bounce & { _id: string; triedAt?: number; triedFor?: string }

export async function mongoAddresses(db: Db): Promise<AddressStore> {
  const addresses: Collection<AddressDocument> = db.collection('addresses')
  await makeIndexes('addresses', () => addresses.createIndexes([{ key: { at: 1 }, name: 'at' }]))
  return {
    suspend: (key, { at, detail }) =>
      attempt(async () => {
        await addresses.updateOne({ _id: key }, { $set: { at, detail } }, { upsert: true })
      }),
    find: (key) =>
      attempt(async () => {
        const found = await addresses.findOne({ _id: key })
        return found ? { at: found.at, detail: found.detail } : undefined
      }),
    tryOnce: (key, deliveryId, now, everyMs) =>
      attempt(async () => {
        if (await addresses.findOne({ _id: key, triedFor: deliveryId })) return true
        const free = { $or: [{ triedAt: { $exists: false } }, { triedAt: { $lte: now - everyMs } }] }
        const taken = await addresses.updateOne({ _id: key, ...free }, { $set: { triedAt: now, triedFor: deliveryId } })
        return taken.matchedCount === 1
      }),
    lift: (key) =>
      attempt(async () => {
        await addresses.deleteOne({ _id: key })
      }),
    count: (atMost) => attempt(() => addresses.countDocuments({}, { limit: atMost })),
    purge: (before) =>
      attempt(async () => {
        await addresses.deleteMany({ at: { $lt: before } })
      }),
  }
}
