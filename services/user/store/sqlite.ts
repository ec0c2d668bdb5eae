import { migrate } from '@parley/kit/migrate'
import { openFile } from '@parley/kit/sqlite/file'
import { openWriter } from '@parley/kit/sqlite/writer'
import { sqliteContacts } from './sqlite-contacts.ts'
import { sqliteDeletions } from './sqlite-deletions.ts'
import { sqliteMail } from './sqlite-mail.ts'
import { nameFunctions, sqliteProfiles } from './sqlite-profiles.ts'
import { reads } from './sqlite-reads.ts'
import { MIGRATIONS } from './sqlite-schema.ts'
import { sqliteSecurity } from './sqlite-security.ts'
import type { Writes } from './sqlite-writes.ts'
import { nameRange, type UserStore } from './store.ts'

/** The store in one SQLite file, made if it is not there. Reads run here, writes in a worker. Throws when the file cannot be opened or is of a newer version. */
export function sqliteStore(path: string): UserStore {
  const db = openFile(path)
  nameFunctions(db)
  migrate(db, MIGRATIONS)
  const read = reads(db)
  const writer = openWriter<Writes>(path, new URL('./sqlite-writes.ts', import.meta.url))
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
      add: (session, event) => writer.write('addSession', session, event),
      find: async (id) => read.sessions('session', id)[0],
      list: async (userId) => read.sessions('sessions', userId),
      rotate: (id, generation, next) => writer.write('rotate', id, generation, next),
      rename: (userId, id, name) => writer.write('rename', userId, id, name),
      revoke: (userId, id, reason, event) => writer.write('revoke', userId, id, reason, event),
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
    security: sqliteSecurity(db, writer.write),
    check: () => writer.write('check'),
    async [Symbol.asyncDispose]() {
      await writer.close()
      db.close()
    },
  }
}
