import { attempt, isDuplicate, makeIndexes } from '@parley/kit/mongo'
import type { Db } from 'mongodb'
import { type AnalyticsStore, DAY_MS, type DayCounts, type Fact, startOf } from './analytics.ts'
import { type Channel, DIGEST_IDS, type Told } from './deliveries.ts'

/** What of a conversation's document (`mongo-watches.ts`) is counted: `counted` messages behind `base`, of each open day so many. */
interface CountedDocument {
  _id: string
  heard: number
  heardAt: number
  counted?: number
  base?: number
  days?: Record<string, number>
}

/** Clocks of processes may differ by less, and nobody takes longer between two writes of one notice. */
const MARGIN_MS = 600_000
const COUNTED_AT_ONCE = 1_000

/** Each count of a conversation is one write to its document, so that no process can count half of it; a day's sum is made when it is read. */
export async function mongoAnalytics(db: Db): Promise<AnalyticsStore> {
  const watches = db.collection<CountedDocument>('watches')
  const facts = db.collection<{ _id: string; day: string; kind: Fact['kind'] }>('day_facts')
  const days = db.collection<{ _id: string; counts: DayCounts }>('days')
  const deliveries = db.collection<Pick<Told, 'channel' | 'state' | 'settledAt'> & { _id: string }>('deliveries')
  await makeIndexes('day_facts', () => facts.createIndexes([{ key: { day: 1, kind: 1 }, name: 'day' }]))
  /** All that was heard before it is counted. */
  let since = 0

  const counted = ({ _id, heard, base = 0, counted: old }: CountedDocument, day: string) => ({
    updateOne:
      old === undefined
        ? // As an older release wrote it: what it has is not counted as of any day.
          { filter: { _id, counted: { $exists: false } }, update: { $set: { counted: heard - base } } }
        : {
            filter: { _id, counted: old },
            update: { $set: { counted: heard - base }, $inc: { [`days.${day}`]: heard - base - old } },
          },
  })

  return {
    note: (all) =>
      attempt(async () => {
        if (all.length === 0) return
        const documents = all.map(({ day, kind, id }) => ({ _id: `${day}/${kind}/${id}`, day, kind }))
        await facts.insertMany(documents, { ordered: false }).catch((error) => {
          if (!isDuplicate(error)) throw error
        })
      }),

    countMessages: (day) =>
      attempt(async () => {
        let latest = since
        let batch: CountedDocument[] = []
        const write = async (): Promise<void> => {
          if (batch.length > 0)
            await watches.bulkWrite(
              batch.map((document) => counted(document, day)),
              { ordered: false },
            )
          batch = []
        }
        const heard = watches.find(
          { heardAt: { $gte: since } },
          { projection: { heard: 1, heardAt: 1, counted: 1, base: 1 } },
        )
        for await (const document of heard) {
          latest = Math.max(latest, document.heardAt - MARGIN_MS)
          if (document.heard - (document.base ?? 0) === document.counted) continue
          batch.push(document)
          if (batch.length === COUNTED_AT_ONCE) await write()
        }
        await write()
        since = latest
      }),

    count: (day) =>
      attempt(async () => {
        const those = { heardAt: { $gte: startOf(day) - DAY_MS }, [`days.${day}`]: { $exists: true } }
        const sums = watches.aggregate<{ n: number }>([
          { $match: those },
          { $group: { _id: null, n: { $sum: `$days.${day}` } } },
        ])
        const factsOf = (kind: Fact['kind']): Promise<number> => facts.countDocuments({ day, kind })
        return {
          messages: (await sums.toArray())[0]?.n ?? 0,
          activeUsers: await factsOf('active'),
          registrations: await factsOf('registered'),
          logIns: await factsOf('logIn'),
        }
      }),

    notices: (day) =>
      attempt(async () => {
        const settledAt = { $gte: startOf(day), $lt: startOf(day) + DAY_MS }
        const as = (channel: Channel, state: Told['state'], those = {}): Promise<number> =>
          deliveries.countDocuments({ settledAt, channel, state, ...those })
        const of = async (channel: Channel, those = {}) => ({
          sent: await as(channel, 'sent', those),
          failed: await as(channel, 'failed', those),
          dropped: await as(channel, 'dropped', those),
        })
        const isDigest = new RegExp(`^${DIGEST_IDS}`)
        return {
          mail: await of('mail', { _id: { $not: isDigest } }),
          digest: await of('mail', { _id: isDigest }),
          push: await of('push'),
          alert: { sent: await facts.countDocuments({ day, kind: 'alert' }) },
        }
      }),

    close: (day, counts) =>
      attempt(async () => {
        await days.updateOne({ _id: day }, { $setOnInsert: { counts } }, { upsert: true }).catch((error) => {
          if (!isDuplicate(error)) throw error
        })
        // What was counted from goes only once it is known what it was.
        const field = `days.${day}`
        await watches.updateMany(
          { heardAt: { $gte: startOf(day) - DAY_MS }, [field]: { $exists: true } },
          { $unset: { [field]: '' } },
        )
        await facts.deleteMany({ day })
      }),

    closed: (from, to) =>
      attempt(async () => {
        const found = await days
          .find({ _id: { $gte: from, $lte: to } })
          .sort({ _id: 1 })
          .toArray()
        return found.map(({ _id, counts }) => ({ day: _id, counts }))
      }),

    purge: (before, factsBefore) =>
      attempt(async () => {
        await days.deleteMany({ _id: { $lt: before } })
        await facts.deleteMany({ day: { $lt: factsBefore } })
      }),
  }
}
