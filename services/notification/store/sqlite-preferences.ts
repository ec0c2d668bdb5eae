import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { PREFERRED, type Preferences } from '../preferences.ts'
import type { PreferenceStore } from './preferences.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const PREFERENCES_STEP = `
  CREATE TABLE preferences (user_id TEXT PRIMARY KEY, set_by_user TEXT NOT NULL) STRICT, WITHOUT ROWID;`

/** The statement that reads, by an index. */
export const PREFERENCE_READS = { one: 'SELECT set_by_user FROM preferences WHERE user_id = ?' } as const

/** The writes, for the writer's thread. */
export function preferenceWrites(db: DatabaseSync) {
  const one = db.prepare(PREFERENCE_READS.one)
  const set = db.prepare('INSERT OR REPLACE INTO preferences (user_id, set_by_user) VALUES (?, ?)')
  const forget = db.prepare('DELETE FROM preferences WHERE user_id = ?')
  return {
    changePreferences(userId: string, change: Partial<Preferences>): Preferences {
      const next = { ...preferencesOf(one.get(userId)), ...change }
      set.run(userId, JSON.stringify(next))
      return next
    },
    forgetPreferences: (userId: string): void => void forget.run(userId),
  }
}

/** The preferences in the file that `db` reads and `write` writes. */
export function sqlitePreferences(db: DatabaseSync, write: Write<Writes>): PreferenceStore {
  const one = db.prepare(PREFERENCE_READS.one)
  return {
    change: (userId, change) => write('changePreferences', userId, change),
    async find(userIds) {
      const rows = userIds.map((userId) => [userId, one.get(userId)] as const)
      return new Map(rows.flatMap(([userId, row]) => (row ? [[userId, preferencesOf(row)] as const] : [])))
    },
    forget: (userId) => write('forgetPreferences', userId),
  }
}

/** What was not set is as it is for everybody. */
const preferencesOf = (row: Record<string, unknown> | undefined): Preferences =>
  row ? { ...PREFERRED, ...(JSON.parse(String(row.set_by_user)) as Partial<Preferences>) } : PREFERRED
