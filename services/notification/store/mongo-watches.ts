import { attempt, isDuplicate, makeIndexes, unavailable } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import type { DeliveryStore } from './deliveries.ts'
import { LOOK_BACK, type News, type Round, type Watch, type WatchStore } from './watches.ts'

/** All up to `decided` is decided; `claimed` is the end of what someone decides on now, whose lease ends at `dueAt`. What waits has `dueAt`. */
interface WatchDocument {
  _id: string
  decided: number
  heard: number
  heardAt: number
  /** Kept by `mongo-analytics.ts`: so many messages behind `base`. */
  counted?: number
  /** Before what was heard first; 0 where an older release wrote it. */
  base?: number
  epoch: number
  dueAt?: number
  claimed?: number
  owner?: string
}

/** `_id` names the beginning of the range. An older release wrote an `epoch`. */
type RoundDocument = Round & { _id: string; epoch?: number }

/** Between reading what was heard and settling, messages come: that often in a row is no accident. */
const TRIES = 50
/** Rounds that are looked through at once. */
const LOOKED_AT_ONCE = 1_000

export async function mongoWatches(db: Db, deliveries: Pick<DeliveryStore, 'plan'>): Promise<WatchStore> {
  const watches: Collection<WatchDocument> = db.collection('watches')
  const rounds: Collection<RoundDocument> = db.collection('rounds')
  await makeIndexes('watches', () =>
    watches.createIndexes([
      { key: { dueAt: 1 }, name: 'due', partialFilterExpression: { dueAt: { $exists: true } } },
      { key: { heardAt: 1 }, name: 'heard' },
    ]),
  )
  await makeIndexes('rounds', () =>
    rounds.createIndexes([
      { key: { conversationId: 1, toSeq: 1 }, name: 'message' },
      { key: { at: 1 }, name: 'at' },
    ]),
  )

  /** First what was heard, then that it is due: whoever settles in between sees the first, and says the second. */
  const noted = ({ conversationId: _id, seq, fromSeq = 1 }: News, dueAt: number) => {
    const base = fromSeq - 1
    const decided = Math.max(0, base - LOOK_BACK)
    return [
      {
        updateOne: {
          filter: { _id },
          update: {
            $max: { heard: seq, heardAt: dueAt },
            $setOnInsert: { decided, base, epoch: 0, counted: 0, dueAt },
          },
          upsert: true,
        },
      },
      { updateOne: { filter: { _id, base: { $gt: base } }, update: { $min: { base } } } },
      // Nobody has decided anything there yet.
      { updateOne: { filter: { _id, epoch: 0, decided: { $gt: decided } }, update: { $min: { decided } } } },
      {
        updateOne: {
          filter: { _id, dueAt: { $exists: false }, decided: { $lt: seq } },
          update: { $set: { dueAt } },
        },
      },
    ]
  }

  async function take(document: WatchDocument, owner: string, until: number): Promise<Watch[]> {
    const { _id, epoch, dueAt, claimed = document.heard } = document
    const taken = await watches.updateOne(
      { _id, epoch, dueAt: dueAt! },
      { $set: { dueAt: until, owner, claimed }, $inc: { epoch: 1 } },
    )
    if (taken.matchedCount === 0) return []
    const watch = { conversationId: _id, fromSeq: document.decided + 1, toSeq: claimed }
    // Only who was claimed before can have got so far.
    const decided = document.claimed === undefined ? null : await rounds.findOne(rangeOf(watch), { projection: BARE })
    return [{ ...watch, epoch: epoch + 1, leaseUntil: until, ...(decided && { decided }) }]
  }

  /** The first that is kept of a range is what was decided. */
  async function keep(round: Round): Promise<void> {
    const { _id, toSeq } = rangeOf(round)
    try {
      // One that ended elsewhere is of a conversation that was forgotten since.
      await rounds.updateOne({ _id, toSeq: { $ne: toSeq } }, { $set: { ...round } }, { upsert: true })
    } catch (error) {
      // Who was frozen past the lease was a moment faster: whoever claims it next is given that.
      throw isDuplicate(error) ? unavailable(error) : error
    }
  }

  async function settle(
    { conversationId: _id, toSeq, epoch }: Watch,
    next: { seq: number; dueAt: number },
  ): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const document = await watches.findOne({ _id, epoch, claimed: toSeq })
      if (!document) return false
      const { heard } = document
      const last = Math.max(heard, next.seq)
      const more = last > toSeq
      const { matchedCount } = await watches.updateOne(
        { _id, epoch, claimed: toSeq, heard },
        {
          // What is found beyond what was heard is heard of now.
          $set: {
            ...{ decided: toSeq, heard: last },
            ...(more && { dueAt: next.dueAt }),
            ...(last > heard && { heardAt: next.dueAt }),
          },
          $unset: { claimed: '', owner: '', ...(!more && { dueAt: '' as const }) },
        },
      )
      if (matchedCount === 1) return true
    }
    throw unavailable(new Error('messages come faster than they can be settled'))
  }

  return {
    note: (news, dueAt) =>
      attempt(async () => {
        if (news.length === 0) return []
        await watches.bulkWrite(news.flatMap((one) => noted(one, dueAt)))
        const ids = news.map(({ conversationId }) => conversationId)
        const waiting = { _id: { $in: ids }, dueAt: { $exists: true }, claimed: { $exists: false } }
        const found = await watches.find(waiting, { projection: { dueAt: 1 } }).toArray()
        return found.map((document) => ({ conversationId: document._id, dueAt: document.dueAt! }))
      }),

    claim: ({ owner, now, leaseMs, limit }) =>
      attempt(async () => {
        const due = await watches
          .find({ dueAt: { $lte: now } })
          .sort({ dueAt: 1 })
          .limit(limit)
          .toArray()
        return (await Promise.all(due.map((document) => take(document, owner, now + leaseMs)))).flat()
      }),

    decide: (watch, round, planned, next) =>
      attempt(async () => {
        const { conversationId: _id, toSeq, epoch, decided } = watch
        if (!(await watches.findOne({ _id, epoch, claimed: toSeq }, { projection: { _id: 1 } }))) return false
        // From then on it is decided: when this ends here, who claims it next does the rest.
        if (!decided) await keep(round)
        await deliveries.plan(planned)
        return settle(watch, next)
      }),

    postpone: ({ conversationId: _id, epoch }, at) =>
      attempt(async () => {
        const held = { _id, epoch, claimed: { $exists: true } }
        await watches.updateOne(held, { $set: { dueAt: at }, $unset: { owner: '' } })
      }),

    nextDue: () =>
      attempt(async () => {
        const next = watches.find({ dueAt: { $exists: true } }, { projection: { dueAt: 1 } })
        return (await next.sort({ dueAt: 1 }).limit(1).toArray())[0]?.dueAt
      }),

    round: (conversationId, seq) =>
      attempt(async () => {
        const at = rounds.find({ conversationId, toSeq: { $gte: seq } }, { projection: BARE })
        const [found] = await at.sort({ toSeq: 1 }).limit(1).toArray()
        if (!found || found.fromSeq > seq) return undefined
        // What was not done whole yet is not told.
        const pending = { _id: conversationId, decided: { $lt: found.toSeq } }
        return (await watches.findOne(pending, { projection: { _id: 1 } })) ? undefined : (found satisfies Round)
      }),

    prune: (before, limit) =>
      attempt(async () => {
        const idle = { heardAt: { $lt: before }, dueAt: { $exists: false } }
        const found = await watches.find(idle).sort({ heardAt: 1 }).limit(limit).toArray()
        const done = found.filter(({ heard, base = 0, counted }) => counted === heard - base)
        if (done.length === 0) return 0
        // Where something was heard since it is not that any more.
        const all = done.map(({ _id, heard, heardAt }) => ({ deleteOne: { filter: { _id, heard, ...idle, heardAt } } }))
        return (await watches.bulkWrite(all, { ordered: false })).deletedCount
      }),

    forget: (userIds) =>
      attempt(async () => {
        const theirs = { 'answers.userIds': { $in: [...userIds] } }
        for (let last = ''; userIds.length > 0; ) {
          const page = rounds.find({ _id: { $gt: last } }, { projection: { _id: 1 } }).sort({ _id: 1 })
          const ids = (await page.limit(LOOKED_AT_ONCE).toArray()).map(({ _id }) => _id)
          const end = ids.at(-1)
          if (end === undefined) return
          const those = { _id: { $gt: last, $lte: end }, ...theirs }
          await rounds.updateMany(those, { $pull: { 'answers.$[].userIds': { $in: [...userIds] } } })
          last = end
        }
      }),

    purge: (before, limit) =>
      attempt(async () => {
        const old = await rounds
          .find({ at: { $lt: before } }, { projection: { _id: 1 } })
          .sort({ at: 1 })
          .limit(limit)
          .toArray()
        if (old.length === 0) return 0
        return (await rounds.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })).deletedCount
      }),
  }
}

const BARE = { _id: 0, epoch: 0 } as const

const rangeOf = ({ conversationId, fromSeq, toSeq }: Pick<Round, 'conversationId' | 'fromSeq' | 'toSeq'>) => ({
  _id: `${conversationId}/${fromSeq}`,
  toSeq,
})
