import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { type AuditEntry, type AuditFilter, type AuditStore, deletedIdOf } from './audit.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. `entry` is the rest of it, as JSON. */
export const AUDIT_STEP = `
  CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    place TEXT,
    entry TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX audit_at ON audit (at, id);
  CREATE INDEX audit_user ON audit (user_id, at, id);
  CREATE INDEX audit_kind ON audit (kind, at, id);`

const page = (of: string): string =>
  `SELECT * FROM audit WHERE ${of} (at, id) < (?, ?) AND at >= ? ORDER BY at DESC, id DESC LIMIT ?`

/** The statements that read, each by an index. One account has few entries: of those the kind is looked for (`+` keeps it from another index). */
export const AUDIT_READS = {
  all: page(''),
  ofUser: page('user_id = ? AND'),
  ofKind: page('kind = ? AND'),
  ofBoth: page('user_id = ? AND +kind = ? AND'),
} as const

type Row = Record<string, unknown>

/** The writes, for the writer's thread. */
export function auditWrites(db: DatabaseSync) {
  const add = db.prepare('INSERT OR IGNORE INTO audit (id, at, kind, user_id, place, entry) VALUES (?, ?, ?, ?, ?, ?)')
  const isThere = db.prepare('SELECT 1 FROM audit WHERE id = ?')
  const forget = db.prepare('UPDATE audit SET place = NULL WHERE user_id = ? AND place IS NOT NULL')
  const purge = db.prepare('DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at, id LIMIT ?)')
  return {
    noteAudit({ id, at, kind, userId, place, ...rest }: AuditEntry): boolean {
      const shown = place !== undefined && !isThere.get(deletedIdOf(userId)) ? place : null
      if (kind === 'account.deleted') forget.run(userId)
      return add.run(id, at, kind, userId, shown, JSON.stringify(rest)).changes === 1
    },
    purgeAudit: (before: number, limit: number): number => Number(purge.run(before, limit).changes),
  }
}

/** The list in the file that `db` reads and `write` writes. */
export function sqliteAudit(db: DatabaseSync, write: Write<Writes>): AuditStore {
  const all = db.prepare(AUDIT_READS.all)
  const ofUser = db.prepare(AUDIT_READS.ofUser)
  const ofKind = db.prepare(AUDIT_READS.ofKind)
  const ofBoth = db.prepare(AUDIT_READS.ofBoth)
  return {
    note: (entry) => write('noteAudit', entry),
    async list({ userId, kind, after = 0, before }: AuditFilter, limit) {
      const range = [before?.at ?? Number.MAX_SAFE_INTEGER, before?.id ?? '', after, limit] as const
      const rows =
        userId !== undefined
          ? kind !== undefined
            ? ofBoth.all(userId, kind, ...range)
            : ofUser.all(userId, ...range)
          : kind !== undefined
            ? ofKind.all(kind, ...range)
            : all.all(...range)
      return rows.map(entryOf)
    },
    purge: (before, limit) => write('purgeAudit', before, limit),
  }
}

const entryOf = (row: Row): AuditEntry => ({
  id: String(row.id),
  at: Number(row.at),
  kind: row.kind as AuditEntry['kind'], // as the write above wrote it, like the rest
  userId: String(row.user_id),
  ...(row.place !== null && { place: String(row.place) }),
  ...(JSON.parse(String(row.entry)) as Pick<AuditEntry, 'sessionId' | 'reason' | 'toUserId'>),
})
