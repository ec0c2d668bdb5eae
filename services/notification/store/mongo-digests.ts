import { attempt, isDuplicate, makeIndexes, unavailable } from '@parley/kit/mongo'
import type { Collection, Db, Document } from 'mongodb'
import type { DeliveryStore } from './deliveries.ts'
import { DIGEST_CONVERSATIONS, type DigestClaim, type DigestPace, type DigestStore } from './digests.ts'

/** `conversations`: in which something is new, each with the version at which that was noted last. What waits has `dueAt`, the end of the lease while it is `claimed`. */
interface DigestDocument {
  _id: string
  conversations: Record<string, number>
  more: boolean
  version: number
  epoch: number
  round: number
  notedAt: number
  dueAt?: number
  failures?: number
  claimed?: true
  mailedAt?: number
  /** A mail of this round is, or may be, planned: of what was noted up to that version, and counted from then. */
  settling?: { version: number; mailedAt?: number }
}

/** What nothing has that is settled. */
const CLAIMED = { claimed: '', settling: '', failures: '' } as const

/** Between reading and settling, messages come: that often in a row is no accident. */
const TRIES = 50

export async function mongoDigests(db: Db, deliveries: Pick<DeliveryStore, 'plan'>): Promise<DigestStore> {
  const digests: Collection<DigestDocument> = db.collection('digests')
  await makeIndexes('digests', () =>
    digests.createIndexes([
      { key: { dueAt: 1 }, name: 'due', partialFilterExpression: { dueAt: { $exists: true } } },
      { key: { notedAt: 1 }, name: 'noted' },
    ]),
  )

  async function take(document: DigestDocument, until: number): Promise<DigestClaim[]> {
    const { _id, epoch, version, dueAt, settling } = document
    const taken = await digests.updateOne(
      { _id, epoch, version, dueAt: dueAt! },
      { $set: { dueAt: until, claimed: true }, $inc: { epoch: 1 } },
    )
    const { round, more, conversations, failures = 0 } = document
    // The mail of this round may have left, by who died then: what was noted since is for the next.
    const upTo = settling?.version ?? version
    const claim = { userId: _id, round, more, version: upTo, conversationIds: inOrder(conversations, upTo) }
    return taken.matchedCount === 1 ? [{ ...claim, epoch: epoch + 1, failures, leaseUntil: until }] : []
  }

  return {
    note: ({ conversationId, userIds }, pace, at) =>
      attempt(async () => {
        const field = `conversations.${conversationId}`
        const untouched = { claimed: { $exists: false }, settling: { $exists: false } }
        const waits = { [field]: { $exists: true }, dueAt: { $exists: true }, ...untouched }
        const known = await digests.find({ _id: { $in: [...userIds] }, ...waits }, { projection: { _id: 1 } }).toArray()
        // Nobody has looked at those yet: it is told along with what was noted before.
        const done = new Set(known.map(({ _id }) => _id))
        const left = userIds.filter((userId) => !done.has(userId))
        if (left.length === 0) return
        const update = noting(conversationId, pace, at)
        const write = () =>
          digests.bulkWrite(
            left.map((_id) => ({ updateOne: { filter: { _id }, update, upsert: true } })),
            { ordered: false },
          )
        // Two that add the same user at once: one of them finds it there the second time.
        await write().catch((error) => {
          if (!isDuplicate(error)) throw error
          return write()
        })
      }),

    claim: ({ now, leaseMs, limit }) =>
      attempt(async () => {
        const due = await digests
          .find({ dueAt: { $lte: now } })
          .sort({ dueAt: 1 })
          .limit(limit)
          .toArray()
        return (await Promise.all(due.map((document) => take(document, now + leaseMs)))).flat()
      }),

    settle: ({ userId: _id, epoch, version }, delivery, mailedAt, pace) =>
      attempt(async () => {
        for (let tries = 0; tries < TRIES; tries++) {
          const document = await digests.findOne({ _id, epoch, claimed: true })
          if (!document) return false
          // What comes first is the same when this ends here and another claims it, which must not take more for told.
          const settling = document.settling ?? { version, ...(mailedAt !== undefined && { mailedAt }) }
          const { matchedCount: kept } = await digests.updateOne({ _id, epoch, claimed: true }, { $set: { settling } })
          if (kept === 0) return false
          await deliveries.plan([delivery])
          const left = Object.entries(document.conversations).filter(([, noted]) => noted > version)
          const mailed = settling.mailedAt ?? mailedAt
          const last = mailed ?? document.mailedAt
          const { matchedCount } = await digests.updateOne(
            { _id, epoch, claimed: true, version: document.version },
            {
              $set: {
                conversations: Object.fromEntries(left),
                more: false,
                ...(mailed !== undefined && { mailedAt: mailed }),
                ...(left.length > 0 && { dueAt: dueOf(pace, last) }),
              },
              $inc: { round: 1 },
              $unset: { ...CLAIMED, ...(left.length === 0 && { dueAt: '' as const }) },
            },
          )
          if (matchedCount === 1) return true
        }
        throw unavailable(new Error('messages come faster than they can be settled'))
      }),

    postpone: ({ userId: _id, epoch }, at, failed) =>
      attempt(async () => {
        const held = { _id, epoch, claimed: true as const }
        if (failed)
          await digests.updateOne(held, { $set: { dueAt: at }, $inc: { failures: 1 }, $unset: { claimed: '' } })
        else await digests.updateOne(held, { $set: { dueAt: at }, $unset: { claimed: '', failures: '' } })
      }),

    nextDue: () =>
      attempt(async () => {
        const next = digests.find({ dueAt: { $exists: true } }, { projection: { dueAt: 1 } })
        return (await next.sort({ dueAt: 1 }).limit(1).toArray())[0]?.dueAt
      }),

    forget: (_id) =>
      attempt(async () => {
        await digests.deleteOne({ _id })
      }),

    purge: (before, limit) =>
      attempt(async () => {
        const idle = { dueAt: { $exists: false }, notedAt: { $lt: before } }
        const old = await digests
          .find(idle, { projection: { _id: 1 } })
          .limit(limit)
          .toArray()
        if (old.length === 0) return 0
        return (await digests.deleteMany({ _id: { $in: old.map(({ _id }) => _id) }, ...idle })).deletedCount
      }),
  }
}

/** One write for one user, also for one who is not there yet. */
function noting(conversationId: string, { dueAt, everyMs }: DigestPace, at: number): Document[] {
  const field = `$conversations.${conversationId}`
  const waits = { $ne: [{ $type: field }, 'missing'] }
  const fits = { $or: [waits, { $lt: [{ $size: { $objectToArray: '$conversations' } }, DIGEST_CONVERSATIONS] }] }
  const within = { $setField: { field: conversationId, input: '$conversations', value: '$version' } }
  return [
    {
      $set: {
        version: { $add: [{ $ifNull: ['$version', 0] }, 1] },
        epoch: { $ifNull: ['$epoch', 0] },
        round: { $ifNull: ['$round', 0] },
        more: { $ifNull: ['$more', false] },
        conversations: { $ifNull: ['$conversations', { $literal: {} }] },
        notedAt: at,
        dueAt: { $ifNull: ['$dueAt', { $max: [dueAt, { $add: ['$mailedAt', everyMs] }] }] },
      },
    },
    {
      $set: { conversations: { $cond: [fits, within, '$conversations'] }, more: { $or: ['$more', { $not: [fits] }] } },
    },
  ]
}

const dueOf = ({ dueAt, everyMs }: DigestPace, mailedAt: number | undefined): number =>
  mailedAt === undefined ? dueAt : Math.max(dueAt, mailedAt + everyMs)

const inOrder = (noted: Record<string, number>, upTo: number): string[] =>
  Object.entries(noted)
    .filter(([, version]) => version <= upTo)
    .sort(([, one], [, other]) => one - other)
    .map(([id]) => id)
