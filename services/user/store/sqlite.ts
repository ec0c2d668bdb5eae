import { Worker } from 'node:worker_threads'
import { Fault } from '@parley/kit/fault'
import { migrate } from '@parley/kit/migrate'
import { sqliteContacts } from './sqlite-contacts.ts'
import { sqliteDeletions } from './sqlite-deletions.ts'
import { openFile } from './sqlite-file.ts'
import { sqliteMail } from './sqlite-mail.ts'
import { sqliteProfiles } from './sqlite-profiles.ts'
import { reads } from './sqlite-reads.ts'
import { MIGRATIONS } from './sqlite-schema.ts'
import type { WriteReply, WriteRequest, Writes } from './sqlite-writes.ts'
import { nameRange, type UserStore } from './store.ts'

/** The store in one SQLite file, made if it is not there. Reads run here, writes in a worker. Throws when the file cannot be opened or is of a newer version. */
export function sqliteStore(path: string): UserStore {
  const db = openFile(path)
  migrate(db, MIGRATIONS)
  const read = reads(db)
  const writer = openWriter(path)
  return {
    users: {
      add: (account) => writer.write('addAccount', account),
      findByEmail: async (emailKey) => read.accounts('byEmail', emailKey)[0],
      findByName: async (nameKey) => read.accounts('byName', nameKey)[0],
      search: async (prefix, after, limit) => read.search(...nameRange(prefix, after), limit),
      find: async (ids) => read.accounts('byIds', JSON.stringify(ids)),
      setPassword: (id, change) => writer.write('setPassword', id, change),
      // A change is one transaction: there is nothing that it could have left.
      settle: async () => {},
      setEmail: (id, change) => writer.write('setEmail', id, change),
      unannounced: async (limit) => read.accounts('unannounced', limit),
      announced: (ids) => writer.write('announced', ids),
      count: async (atMost) => read.number('count', atMost),
    },
    sessions: {
      add: (session) => writer.write('addSession', session),
      find: async (id) => read.sessions('session', id)[0],
      list: async (userId) => read.sessions('sessions', userId),
      rotate: (id, generation, next) => writer.write('rotate', id, generation, next),
      rename: (userId, id, name) => writer.write('rename', userId, id, name),
      revoke: (userId, id, reason) => writer.write('revoke', userId, id, reason),
      purge: (now) => writer.write('purge', now),
    },
    control: {
      read: async (after, limit) => read.control(after, limit),
      head: async () => read.number('head'),
    },
    contacts: sqliteContacts(db, writer.write),
    mail: sqliteMail(db, writer.write),
    profiles: sqliteProfiles(db, writer.write),
    deletions: sqliteDeletions(db, writer.write),
    check: () => writer.write('check'),
    async [Symbol.asyncDispose]() {
      await writer.close()
      db.close()
    },
  }
}

const WAITING_AT_MOST = 10_000

/** This thread's end of `sqlite-writer.ts`. */
function openWriter(path: string) {
  const worker = new Worker(new URL('./sqlite-writer.ts', import.meta.url), { workerData: path })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Fault) => void }>()
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  let lastId = 0
  let closed = false

  worker.on('message', (replies: WriteReply[]) => {
    for (const { id, value, error } of replies) {
      const waiter = waiting.get(id)
      waiting.delete(id)
      if (error === undefined) waiter?.resolve(value as never)
      else waiter?.reject(unavailable(error))
    }
  })
  // The writer only ever fails for good (see there): this process must not go on as if it could commit.
  worker.on('error', (error) => {
    closed = true
    for (const { reject } of waiting.values()) reject(unavailable(error.message))
    throw error
  })

  return {
    write<K extends keyof Writes>(name: K, ...args: Parameters<Writes[K]>): Promise<ReturnType<Writes[K]>> {
      if (closed) return Promise.reject(unavailable('the store is closed'))
      if (waiting.size >= WAITING_AT_MOST) return Promise.reject(unavailable('too many writes are waiting'))
      return new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        worker.postMessage({ id, name, args } as WriteRequest)
      })
    },
    /** Commits what is waiting, then ends the worker. */
    async close(): Promise<void> {
      closed = true
      worker.postMessage('close')
      await ended
    },
  }
}

const unavailable = (cause: string): Fault =>
  new Fault('unavailable', 'That could not be stored for the moment', { cause, retryAfterMs: 1_000 })
