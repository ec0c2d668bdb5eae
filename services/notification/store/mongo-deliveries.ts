import { randomUUID } from 'node:crypto'
import { attempt, isDuplicate, makeIndexes, unavailable } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import {
  ACCOUNT_DELETED,
  type Claim,
  type Delivery,
  type DeliveryStore,
  FURTHER,
  type NewDelivery,
  type Outcome,
  type Told,
} from './deliveries.ts'

/** What is open has `dueAt` (planned: when it is due; sending: when its lease ends), what is settled `settledAt`. `claim` is new with each claim. */
type DeliveryDocument = Omit<Told, 'id'> & Pick<NewDelivery, 'shown' | 'covers' | 'found'> & Open & { _id: string }
interface Open {
  payload?: string
  owner?: string
  claim?: string
  failures?: number
}

/** Claims that another was faster with are looked for anew at once, so often. */
const RACES = 3

export async function mongoDeliveries(db: Db): Promise<DeliveryStore> {
  const deliveries: Collection<DeliveryDocument> = db.collection('deliveries')
  const where = (field: string) => ({ partialFilterExpression: { [field]: { $exists: true } } })
  await makeIndexes('deliveries', () =>
    deliveries.createIndexes([
      { key: { channel: 1, dueAt: 1 }, name: 'due', ...where('dueAt') },
      { key: { settledAt: 1 }, name: 'settled', ...where('settledAt') },
      { key: { userId: 1, plannedAt: -1, _id: -1 }, name: 'user', ...where('userId') },
      { key: { userId: 1, about: 1, _id: 1 }, name: 'about', ...where('about') },
      { key: { userId: 1, covers: 1, plannedAt: 1 }, name: 'covers', ...where('covers') },
      {
        key: { userId: 1, 'shown.topic': 1, 'shown.upTo': 1 },
        name: 'shown',
        partialFilterExpression: { 'shown.topic': { $exists: true }, state: 'sent' },
      },
    ]),
  )

  /** Takes what of it still is as it was read, in one write whose outcome is then read: whoever else tried got none of the same. */
  async function take(ids: readonly string[], until: number, owner: string, now: number): Promise<Claim[]> {
    const claim = randomUUID()
    await deliveries.updateMany(
      { _id: { $in: [...ids] }, dueAt: { $lte: now } },
      { $set: { state: 'sending', dueAt: until, owner, claim }, $inc: { epoch: 1 } },
    )
    const taken = await deliveries.find({ _id: { $in: [...ids] }, claim }).toArray()
    return taken.sort((a, b) => ids.indexOf(a._id) - ids.indexOf(b._id)).map(claimOf)
  }

  return {
    plan: (planned) =>
      attempt(async () => {
        if (planned.length === 0) return
        const documents = planned.map(documentOf)
        try {
          await deliveries.insertMany(documents, { ordered: false })
        } catch (error) {
          if (!isDuplicate(error)) throw error
          // Which were there already is read: only what a majority has is planned.
          const found = await deliveries.find({ _id: { $in: documents.map(({ _id }) => _id) } }).toArray()
          const ids = new Set(found.map(({ _id }) => _id))
          if (!documents.every(({ _id }) => ids.has(_id))) throw unavailable(error)
        }
      }),

    claim: ({ channel, owner, now, leaseMs, limit }) =>
      attempt(async () => {
        for (let races = 0; races < RACES; races++) {
          const due = await deliveries
            .find({ channel, dueAt: { $lte: now } }, { projection: { _id: 1 } })
            .sort({ dueAt: 1 })
            .limit(limit)
            .toArray()
          if (due.length === 0) return []
          const claimed = await take(
            due.map(({ _id }) => _id),
            now + leaseMs,
            owner,
            now,
          )
          if (claimed.length > 0) return claimed
        }
        return []
      }),

    renew: (id, epoch, leaseUntil) =>
      attempt(async () => {
        const kept = await deliveries.updateOne({ _id: id, epoch, state: 'sending' }, { $set: { dueAt: leaseUntil } })
        return kept.matchedCount === 1
      }),

    settle: (id, epoch, outcome, now) =>
      attempt(async () => {
        const settled = await deliveries.updateOne({ _id: id, epoch, state: 'sending' }, changeOf(outcome, now))
        return settled.matchedCount === 1
      }),

    nextDue: (channel) =>
      attempt(async () => {
        const [next] = await deliveries
          .find({ channel, dueAt: { $exists: true } })
          .sort({ dueAt: 1 })
          .limit(1)
          .toArray()
        return next?.dueAt
      }),

    open: (channel, atMost) =>
      attempt(() => deliveries.countDocuments({ channel, dueAt: { $exists: true } }, { limit: atMost })),

    ofUser: (userId, limit, before) =>
      attempt(async () => {
        const { plannedAt, id } = before ?? {}
        const earlier = before && {
          $or: [{ plannedAt: { $lt: plannedAt! } }, { plannedAt: plannedAt!, _id: { $lt: id! } }],
        }
        const found = deliveries.find({ userId, ...earlier }).sort({ plannedAt: -1, _id: -1 })
        return (await found.limit(limit).toArray()).map(toldOf)
      }),

    about: (userId, about, limit) =>
      attempt(async () => {
        const found = deliveries.find({ userId, about }).sort({ _id: 1 }).limit(limit)
        return (await found.toArray()).map(toldOf)
      }),

    covering: (userId, conversationId, since) =>
      attempt(async () => {
        const planned = { userId, covers: { $in: [conversationId, FURTHER] }, plannedAt: { $gte: since } }
        const [first] = await deliveries.find(planned).sort({ plannedAt: 1 }).limit(1).toArray()
        const found = first?.found?.find((one) => one.conversationId === conversationId)
        return first && { ...toldOf(first), ...(found && { found }) }
      }),

    overtaken: (userId, { topic, upTo }) =>
      attempt(async () => {
        const later = { userId, 'shown.topic': topic, 'shown.upTo': { $gt: upTo }, state: 'sent' as const }
        return (await deliveries.findOne(later, { projection: { _id: 1 } })) !== null
      }),

    forget: (userId, now) =>
      attempt(async () => {
        await deliveries.updateMany(
          { userId, dueAt: { $exists: true } },
          { $set: { state: 'dropped', settledAt: now, ...ACCOUNT_DELETED }, $unset: OPEN },
        )
        await deliveries.updateMany({ userId }, { $unset: WHOSE })
      }),

    purge: (before, limit) =>
      attempt(async () => {
        const old = await deliveries
          .find({ settledAt: { $lt: before } }, { projection: { _id: 1 } })
          .sort({ settledAt: 1 })
          .limit(limit)
          .toArray()
        if (old.length === 0) return 0
        return (await deliveries.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })).deletedCount
      }),
  }
}

/** What only an open delivery has. */
const OPEN = { dueAt: '', owner: '', claim: '', failures: '', payload: '' } as const

/** What tells whom it was for, and of what. */
const WHOSE = { userId: '', about: '', shown: '', covers: '', found: '', detail: '', providerId: '' } as const

function documentOf({ id, payload, dueAt, dropped, ...rest }: NewDelivery): DeliveryDocument {
  const what = dropped
    ? ({ state: 'dropped', settledAt: rest.plannedAt, ...dropped } as const)
    : ({ state: 'planned', dueAt, payload: JSON.stringify(payload) } as const)
  return { _id: id, ...rest, ...what, epoch: 0 }
}

function changeOf(outcome: Outcome, now: number) {
  switch (outcome.kind) {
    case 'retry': {
      const { at: dueAt, failed, reason, detail } = outcome
      return {
        ...(failed && { $inc: { failures: 1 } }),
        $set: { state: 'planned' as const, dueAt, reason, ...(detail !== undefined && { detail }) },
        $unset: { owner: '' as const, claim: '' as const, ...(detail === undefined && { detail: '' as const }) },
      }
    }
    case 'sent': {
      const { providerId, found } = outcome
      const said = { ...(providerId !== undefined && { providerId }), ...(found && { found }) }
      const set = { state: 'sent' as const, settledAt: now, ...said }
      return { $set: set, $unset: { ...OPEN, reason: '' as const, detail: '' as const } }
    }
    case 'failed':
    case 'dropped': {
      const { kind, reason, detail } = outcome
      const found = kind === 'dropped' ? outcome.found : undefined
      const said = { reason, ...(detail !== undefined && { detail }), ...(found && { found }) }
      return {
        $set: { state: kind, settledAt: now, ...said },
        $unset: { ...OPEN, ...(detail === undefined && { detail: '' as const }) },
      }
    }
    default:
      return outcome satisfies never
  }
}

function claimOf({ _id, dueAt, epoch, failures = 0, plannedAt, payload, ...document }: DeliveryDocument): Claim {
  return {
    ...whatOf({ _id, ...document }),
    plannedAt,
    dueAt: dueAt!,
    leaseUntil: dueAt!,
    epoch,
    failures,
    payload: JSON.parse(payload!),
  }
}

function toldOf(document: DeliveryDocument): Told {
  const { payload: _payload, owner: _owner, claim: _claim, failures: _failures, _id, ...rest } = document
  const { shown: _shown, covers: _covers, found: _found, ...told } = rest
  return { id: _id, ...told }
}

const whatOf = ({
  _id,
  channel,
  userId,
  about,
}: Pick<DeliveryDocument, '_id' | 'channel' | 'userId' | 'about'>): Pick<
  Delivery,
  'id' | 'channel' | 'userId' | 'about'
> => ({ id: _id, channel, ...(userId !== undefined && { userId }), ...(about !== undefined && { about }) })
