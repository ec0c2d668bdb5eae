import { attempt, makeIndexes } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import type { Device, DeviceStore } from './devices.ts'

type DeviceDocument = Omit<Device, 'id' | 'refused'> & { _id: string; refused?: number }

export async function mongoDevices(db: Db): Promise<DeviceStore> {
  const devices: Collection<DeviceDocument> = db.collection('devices')
  await makeIndexes('devices', () =>
    devices.createIndexes([
      { key: { userId: 1, registeredAt: 1, _id: 1 }, name: 'user' },
      { key: { sessionId: 1 }, name: 'session' },
    ]),
  )
  return {
    put: ({ id: _id, ...device }, most) =>
      attempt(async () => {
        await devices.replaceOne({ _id }, device, { upsert: true })
        const { userId } = device
        const latest = devices.find({ userId }, { projection: { _id: 1 } }).sort({ registeredAt: -1, _id: -1 })
        const above = await latest.skip(most).toArray()
        if (above.length > 0) await devices.deleteMany({ userId, _id: { $in: above.map((one) => one._id) } })
      }),
    ofUsers: (userIds) =>
      attempt(async () => {
        const found = await devices
          .find({ userId: { $in: [...userIds] } })
          .sort({ userId: 1, registeredAt: 1, _id: 1 })
          .toArray()
        return found.map(deviceOf)
      }),
    find: (_id) =>
      attempt(async () => {
        const found = await devices.findOne({ _id })
        return found ? deviceOf(found) : undefined
      }),
    remove: (_id, userId) => attempt(async () => (await devices.deleteOne({ _id, userId })).deletedCount === 1),
    refused: (_id, userId, most) =>
      attempt(async () => {
        await devices.updateOne({ _id, userId }, { $inc: { refused: 1 } })
        return (await devices.deleteOne({ _id, userId, refused: { $gte: most } })).deletedCount === 1
      }),
    accepted: (_id) =>
      attempt(async () => {
        await devices.updateOne({ _id }, { $set: { refused: 0 } })
      }),
    removeSession: (sessionId) =>
      attempt(async () => {
        await devices.deleteMany({ sessionId })
      }),
    forget: (userId) =>
      attempt(async () => {
        await devices.deleteMany({ userId })
      }),
  }
}

const deviceOf = ({ _id, ...device }: DeviceDocument): Device => ({ id: _id, refused: 0, ...device })
