import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import type { Deletion, DeletionStore } from './deletions.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const DELETIONS_STEP = `
  CREATE TABLE deletions (user_id TEXT PRIMARY KEY, messages TEXT NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID;`

/** The control log is kept for ever; this is as large as what was deleted. */
export const GONE_STEP = `CREATE INDEX control_gone ON control (user_id) WHERE kind = 'user.deleted';`

/** What is not finished is a table of nothing else. */
export const DELETION_READS = {
  deletions: 'SELECT * FROM deletions LIMIT ?',
  gone: `SELECT value AS user_id FROM json_each(?)
    WHERE EXISTS (SELECT 1 FROM control c WHERE c.kind = 'user.deleted' AND c.user_id = value)`,
} as const

/** The writes, for the writer's thread. */
export function deletionWrites(db: DatabaseSync) {
  const remove = db.prepare('DELETE FROM users WHERE id = ? AND password_hash = ?')
  const exists = db.prepare('SELECT 1 FROM users WHERE id = ?')
  const rest = ['sessions', 'tickets', 'letters', 'profiles', 'security_events'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE user_id = ?`),
  )
  const log = db.prepare(
    `INSERT INTO control (n, at, kind, user_id, reason)
     VALUES ((SELECT coalesce(max(n), 0) + 1 FROM control), ?, 'user.deleted', ?, ?)`,
  )
  const begin = db.prepare('INSERT INTO deletions (user_id, messages, at) VALUES (?, ?, ?)')
  const finish = db.prepare('DELETE FROM deletions WHERE user_id = ?')

  return {
    deleteAccount({ userId, messages, at }: Deletion, before: string): boolean {
      if (remove.run(userId, before).changes === 0) return exists.get(userId) === undefined
      for (const each of rest) each.run(userId)
      log.run(at, userId, messages)
      begin.run(userId, messages, at)
      return true
    },
    deletionsFinished(userIds: readonly string[]): void {
      for (const id of userIds) finish.run(id)
    },
  }
}

/** The deletions in the file that `db` reads and `write` writes. */
export function sqliteDeletions(db: DatabaseSync, write: Write<Writes>): DeletionStore {
  const deletions = db.prepare(DELETION_READS.deletions)
  const gone = db.prepare(DELETION_READS.gone)
  return {
    begin: (deletion, before) => write('deleteAccount', deletion, before),
    open: async (limit) =>
      deletions.all(limit).map((row) => ({
        userId: String(row.user_id),
        messages: row.messages as Deletion['messages'], // as `deleteAccount` wrote it
        at: String(row.at),
      })),
    finish: (userIds) => write('deletionsFinished', userIds),
    gone: async (userIds) => gone.all(JSON.stringify(userIds)).map((row) => String(row.user_id)),
  }
}
