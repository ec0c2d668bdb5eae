import { attempt, isDuplicate, makeIndexes, unavailable } from '@parley/kit/mongo'
import type { Collection, Db, Filter } from 'mongodb'
import {
  ALERTS_MOST,
  type Alert,
  type AlertChange,
  type AlertRemoval,
  type AlertState,
  type AlertStore,
  type AlertSubject,
  goneFrom,
  isAbout,
  merged,
  without,
} from './alerts.ts'

type AlertDocument = Omit<Alert, 'id'> & { _id: string }

const USERS_AT_ONCE = 16
const TRIES = 20

/**
 * A change of alerts is first written, then counted in the user's head, then the unread are counted: so whoever has the highest `rev`
 * has counted everything that was written before it. Those that are told along are read after that, too.
 */
export async function mongoAlerts(db: Db): Promise<AlertStore> {
  const alerts: Collection<AlertDocument> = db.collection('alerts')
  const heads: Collection<{ _id: string; rev: number }> = db.collection('alertHeads')
  await makeIndexes('alerts', () =>
    alerts.createIndexes([
      { key: { userId: 1, at: -1, _id: -1 }, name: 'user' },
      { key: { at: 1 }, name: 'at' },
    ]),
  )

  const unread = (userId: string): Promise<number> => alerts.countDocuments({ userId, read: false })

  async function raised(userId: string): Promise<AlertState> {
    const head = await heads.findOneAndUpdate(
      { _id: userId },
      { $inc: { rev: 1 } },
      { upsert: true, returnDocument: 'after' },
    )
    return { rev: head?.rev ?? 0, unread: await unread(userId) }
  }

  async function stateOf(userId: string): Promise<AlertState> {
    const rev = (await heads.findOne({ _id: userId }))?.rev ?? 0
    return { rev, unread: await unread(userId) }
  }

  /** Decides on the alert as it is; again where another came first. */
  async function putOne(next: Alert): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await alerts.findOne({ _id: next.id })
      const old = found ? alertOf(found) : undefined
      const now = merged(old, next)
      if (!now) return false
      const { id: _id, ...document } = now
      if (old) {
        if ((await alerts.replaceOne(asItIs(old), document)).matchedCount === 1) return true
        continue
      }
      try {
        await alerts.insertOne({ _id, ...document })
        return true
      } catch (error) {
        if (!isDuplicate(error)) throw error
      }
    }
    throw unavailable('an alert changes too fast')
  }

  /** Takes that out of it as it is; again where another came first. False where it is about that no more. */
  async function removeOne(_id: string, about: AlertSubject): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await alerts.findOne({ _id })
      const old = found && alertOf(found)
      if (!old || !isAbout(old, about)) return false
      if ('actorId' in about) {
        const { id: _, ...document } = without(old, about.actorId) ?? goneFrom(old)
        if ((await alerts.replaceOne(asItIs(old), document)).matchedCount === 1) return true
      } else if ((await alerts.deleteOne(asItIs(old))).deletedCount === 1) return true
    }
    throw unavailable('an alert changes too fast')
  }

  async function bound(userId: string): Promise<void> {
    const above = await alerts
      .find({ userId }, { projection: { _id: 1 } })
      .sort({ at: -1, _id: -1 })
      .skip(ALERTS_MOST)
      .toArray()
    if (above.length > 0) await alerts.deleteMany({ _id: { $in: above.map((one) => one._id) } })
  }

  async function putOf(userId: string, own: readonly Alert[]): Promise<AlertChange> {
    let changed = false
    for (const next of own) changed = (await putOne(next)) || changed
    if (changed) await bound(userId)
    const state = changed ? await raised(userId) : await stateOf(userId)
    const items = await alerts.find({ _id: { $in: own.map(({ id }) => id) } }).toArray()
    return { userId, ...state, items: items.map(alertOf) }
  }

  return {
    put: (all) =>
      attempt(async () => {
        const byUser = [...Map.groupBy(all, ({ userId }) => userId)]
        const changes: AlertChange[] = []
        for (let at = 0; at < byUser.length; at += USERS_AT_ONCE)
          changes.push(...(await Promise.all(byUser.slice(at, at + USERS_AT_ONCE).map(([id, own]) => putOf(id, own)))))
        return changes
      }),
    list: (userId, before, limit) =>
      attempt(async () => {
        const earlier: Filter<AlertDocument> = before
          ? { $or: [{ at: { $lt: before.at } }, { at: before.at, _id: { $lt: before.id } }] }
          : {}
        const found = alerts.find({ userId, gone: { $exists: false }, ...earlier })
        return (await found.sort({ at: -1, _id: -1 }).limit(limit).toArray()).map(alertOf)
      }),
    state: (userId) => attempt(() => stateOf(userId)),
    read: (userId, which) =>
      attempt(async () => {
        const those = 'ids' in which ? { _id: { $in: [...which.ids] } } : { at: { $lte: which.upTo } }
        const markRead = async (): Promise<boolean> =>
          (await alerts.updateMany({ userId, read: false, ...those }, { $set: { read: true } })).modifiedCount > 0
        let changed = await markRead()
        for (let tries = 0; tries < TRIES; tries++) {
          const state = changed ? await raised(userId) : await stateOf(userId)
          // One that became unread meanwhile, with no higher rev, is taken for read by who hears of this.
          if (!(await markRead())) return { ...state, changed }
          changed = true
        }
        throw unavailable('alerts change too fast')
      }),
    remove: (userId, about) =>
      attempt(async () => {
        const those = (await alerts.find({ userId }).toArray()).filter((one) => isAbout(alertOf(one), about))
        const ids: string[] = []
        for (const { _id } of those) if (await removeOne(_id, about)) ids.push(_id)
        if (ids.length === 0) return { userId, ...(await stateOf(userId)), items: [], gone: [] }
        const state = await raised(userId)
        const left = (await alerts.find({ _id: { $in: ids } }).toArray()).map(alertOf)
        const items = left.filter((alert) => !alert.gone)
        const gone = ids.filter((id) => !items.some((alert) => alert.id === id))
        return { userId, ...state, items, gone }
      }),
    forget: (userId) =>
      attempt(async () => {
        await alerts.deleteMany({ userId })
        await heads.deleteOne({ _id: userId })
      }),
    expire: (before, limit) =>
      attempt(async () => {
        const old = await alerts
          .find({ at: { $lt: before } })
          .limit(limit)
          .toArray()
        const removals: AlertRemoval[] = []
        for (const [userId, own] of Map.groupBy(old.map(alertOf), (alert) => alert.userId)) {
          let changed = false
          for (const alert of own.filter(({ gone }) => !gone)) {
            const { id: _, ...document } = goneFrom(alert)
            if ((await alerts.replaceOne(asItIs(alert), document)).matchedCount === 1) changed = true
          }
          const state = changed ? await raised(userId) : await stateOf(userId)
          const those: Filter<AlertDocument> = { _id: { $in: own.map(({ id }) => id) }, gone: true }
          const gone = await alerts.find(those, { projection: { _id: 1 } }).toArray()
          removals.push({ userId, ...state, items: [], gone: gone.map(({ _id }) => _id) })
        }
        return removals
      }),
    purge: (ids, before) =>
      attempt(async () => {
        if (ids.length === 0) return 0
        return (await alerts.deleteMany({ _id: { $in: [...ids] }, gone: true, at: { $lt: before } })).deletedCount
      }),
  }
}

/** Nobody has changed it since: each change makes one of these another. */
const asItIs = ({ id, rev, read, actorCount }: Alert): Filter<AlertDocument> => ({ _id: id, rev, read, actorCount })

const alertOf = ({ _id, ...alert }: AlertDocument): Alert => ({ id: _id, ...alert })
