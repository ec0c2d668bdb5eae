import { crashPoint } from '@parley/kit/crash'
import { attempt, connect, mongoClient } from '@parley/kit/mongo'
import { openAccounts } from './mongo-accounts.ts'
import { mongoContacts } from './mongo-contacts.ts'
import { openControl } from './mongo-control.ts'
import { openDeletions } from './mongo-deletions.ts'
import { mongoMail } from './mongo-mail.ts'
import { mongoProfiles } from './mongo-profiles.ts'
import { type Collections, openCollections, type SessionDocument } from './mongo-schema.ts'
import { mongoSecurity, noteEvent } from './mongo-security.ts'
import type { Session, SessionStore, UserStore } from './store.ts'

/** How often this process looks for what another left half done: revocations, changes of a password, deletions. */
const HEAL_EVERY_MS = 5_000

/**
 * The store in MongoDB, in the database that `url` names. Everything is written to a journalled majority and read from one.
 * Rejects when it cannot be reached, or a unique index cannot be made.
 */
export async function mongoStore(url: string): Promise<UserStore> {
  const client = mongoClient(url)
  try {
    await connect(client)
    const db = client.db()
    const collections = await openCollections(db)
    const control = openControl(collections)
    const sessions = openSessions(collections, control)
    const { heal: healAccounts, ...users } = openAccounts(collections, sessions)
    const { heal: healDeletions, ...deletions } = openDeletions(db, collections, control)
    const heal = async (): Promise<void> => {
      await healAccounts()
      await control.heal()
      await healDeletions()
    }
    await heal()
    const healing = setInterval(() => void heal().catch(() => {}), HEAL_EVERY_MS).unref()
    return {
      users,
      sessions,
      control: {
        read: (after, limit) => attempt(() => control.read(after, limit)),
        head: () => attempt(() => control.head()),
      },
      contacts: await mongoContacts(db),
      mail: mongoMail(collections.users),
      profiles: await mongoProfiles(db),
      deletions,
      security: mongoSecurity(collections.users),
      check: () =>
        attempt(async () => {
          const checks = db.collection<{ _id: string; at: string }>('checks')
          await checks.updateOne({ _id: 'user' }, { $set: { at: new Date().toISOString() } }, { upsert: true })
        }),
      async [Symbol.asyncDispose]() {
        clearInterval(healing)
        await client.close()
      },
    }
  } catch (error) {
    await client.close()
    throw error
  }
}

function openSessions({ sessions, users }: Collections, control: ReturnType<typeof openControl>): SessionStore {
  const live = { 'ending.at': { $exists: false } } as const

  return {
    async add({ id, ...session }, event) {
      await attempt(async () => {
        // Whoever dies between the two has told of a log-in that came to nothing, and not the other way round.
        await noteEvent(users, event)
        await sessions.insertOne({ _id: id, ...session })
      })
    },
    find: (id) => attempt(async () => fromSession(await sessions.findOne({ _id: id, ...live }))),
    list: (userId) =>
      attempt(async () =>
        (await sessions.find({ userId, ...live }).toArray())
          .map((session) => fromSession(session)!)
          .sort((a, b) => (a.lastUsedAt < b.lastUsedAt ? 1 : -1)),
      ),
    rotate: (id, generation, next) =>
      attempt(async () => {
        const done = await sessions.updateOne({ _id: id, generation, ...live }, { $set: next, $inc: { generation: 1 } })
        return done.matchedCount === 1
      }),
    rename: (userId, id, name) =>
      attempt(
        async () => (await sessions.updateOne({ _id: id, userId, ...live }, { $set: { name } })).matchedCount === 1,
      ),
    revoke: (userId, id, reason, event) =>
      attempt(async () => {
        const ending = { at: new Date().toISOString(), reason, ...(event && { event }) }
        const marked = await sessions.updateOne({ _id: id, userId, ...live }, { $set: { ending } })
        crashPoint('revoke.before-log')
        const left = await sessions.findOne({ _id: id, userId })
        // Another may have marked it: what that one did not finish is finished here before anything is answered.
        if (left?.ending) await control.end(left)
        return marked.matchedCount === 1
      }),
    purge: async (now) => {
      await attempt(() => sessions.deleteMany({ expiresAt: { $lt: now }, ...live }))
    },
  }
}

function fromSession(found: SessionDocument | null): Session | undefined {
  if (!found) return undefined
  const { _id, ending: _, ...session } = found
  return { id: _id, ...session }
}
