import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { crashPoint } from '@parley/kit/crash'
import { attempt, isDuplicate, unavailable } from '@parley/kit/mongo'
import type { Filter } from 'mongodb'
import { ticketGood, withMail } from './mongo-mail.ts'
import type { Collections, UserDocument } from './mongo-schema.ts'
import { type Account, type AccountStore, nameRange, type SessionStore } from './store.ts'

/**
 * Accounts. A change of the password is one write of the account, which also marks its sessions as `ending`; then they are revoked
 * one by one and the mark is taken away. Only then is it reported. A mark that a dead process left is found by `heal`.
 */
export function openAccounts({ users }: Collections, sessions: SessionStore): AccountStore & { heal(): Promise<void> } {
  const findOne = (filter: Filter<UserDocument>): Promise<Account | undefined> =>
    attempt(async () => fromUser(await users.findOne(filter)))
  const findMany = (filter: Filter<UserDocument>, limit: number): Promise<Account[]> =>
    attempt(async () => (await users.find(filter).limit(limit).toArray()).map((user) => fromUser(user)!))

  async function endSessions(userId: string, { id, keep }: NonNullable<UserDocument['ending']>): Promise<void> {
    for (const session of await sessions.list(userId))
      if (session.id !== keep) await sessions.revoke(userId, session.id, 'password')
    await attempt(() => users.updateOne({ _id: userId, 'ending.id': id }, { $unset: { ending: '' } }))
  }

  return {
    async heal() {
      const left = await attempt(() =>
        users
          .find({ 'ending.id': { $exists: true } })
          .limit(100)
          .toArray(),
      )
      for (const { _id, ending } of left) await endSessions(_id, ending!)
    },
    async setPassword(id, { before, after, keep, event, ...mail }) {
      const ending = { id: randomUUID(), keep }
      const set = { passwordHash: after, ending }
      const done = await attempt(() =>
        users.updateOne(
          { _id: id, passwordHash: before, ...ticketGood('password', mail.ticket) },
          withMail('password', set, mail, event),
        ),
      )
      if (done.matchedCount === 0) return false
      crashPoint('password.before-sessions')
      await endSessions(id, ending)
      return true
    },
    async settle(id) {
      const left = await attempt(() => users.findOne({ _id: id, 'ending.id': { $exists: true } }))
      if (left?.ending) await endSessions(id, left.ending)
    },
    async setEmail(id, { email, emailKey, event, ...mail }) {
      try {
        const good = { _id: id, ...ticketGood('email', mail.ticket) }
        const done = await attempt(() => users.updateOne(good, withMail('email', { email, emailKey }, mail, event)))
        return done.matchedCount === 1 ? 'changed' : 'over'
      } catch (error) {
        if (isDuplicate(error)) return 'email.taken'
        throw error
      }
    },
    async add({ id, ...account }) {
      for (let tries = 0; tries < 10; tries++) {
        try {
          await attempt(() => users.insertOne({ _id: id, ...account, unannounced: true }))
          return 'added'
        } catch (error) {
          if (!isDuplicate(error)) throw error
        }
        if (await findOne({ nameKey: account.nameKey })) return 'name.taken'
        if (await findOne({ emailKey: account.emailKey })) return 'email.taken'
        await delay(20) // the winner is not at a majority yet, or will never be
      }
      throw unavailable('another registration is under way')
    },
    findByEmail: (emailKey) => findOne({ emailKey }),
    findByName: (nameKey) => findOne({ nameKey }),
    async search(prefix, after, limit) {
      const [from, below] = nameRange(prefix, after)
      const found = () =>
        users
          .find({ nameKey: { $gte: from, $lt: below } })
          .sort({ nameKey: 1 })
          .limit(limit)
          .toArray()
      return (await attempt(found)).map((user) => fromUser(user)!)
    },
    find: async (ids) => (ids.length === 0 ? [] : findMany({ _id: { $in: [...ids] } }, ids.length)),
    unannounced: (limit) => findMany({ unannounced: true }, limit),
    async announced(ids) {
      if (ids.length === 0) return
      await attempt(() => users.updateMany({ _id: { $in: [...ids] } }, { $unset: { unannounced: '' } }))
    },
    count: (atMost) =>
      attempt(
        async () =>
          (
            await users
              .find({}, { projection: { _id: 1 } })
              .limit(atMost)
              .toArray()
          ).length,
      ),
  }
}

function fromUser(found: UserDocument | null): Account | undefined {
  if (!found) return undefined
  const { _id, unannounced: _, ending: __, mail: ___, security: ____, ...account } = found
  return { id: _id, ...account }
}
