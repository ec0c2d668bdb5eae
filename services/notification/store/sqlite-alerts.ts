import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
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
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const ALERTS_STEP = `
  CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    read INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    alert TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alerts_user ON alerts (user_id, at, id);
  CREATE INDEX alerts_unread ON alerts (user_id) WHERE read = 0;
  CREATE INDEX alerts_at ON alerts (at);
  CREATE TABLE alert_heads (user_id TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;`

/** The statements that read, each by an index. */
export const ALERT_READS = {
  list: `SELECT alert, read FROM alerts WHERE user_id = ?1 AND (at, id) < (?2, ?3) AND gone = 0
    ORDER BY at DESC, id DESC LIMIT ?4`,
  unread: 'SELECT count(*) AS n FROM alerts WHERE user_id = ? AND read = 0',
  rev: 'SELECT rev FROM alert_heads WHERE user_id = ?',
} as const

type Row = Record<string, unknown>

/** The writes, for the writer's thread. */
export function alertWrites(db: DatabaseSync) {
  const find = db.prepare('SELECT alert, read FROM alerts WHERE id = ?')
  const all = db.prepare('SELECT alert, read FROM alerts WHERE user_id = ?')
  const set = db.prepare('INSERT OR REPLACE INTO alerts (id, user_id, at, read, gone, alert) VALUES (?, ?, ?, ?, ?, ?)')
  const bound = db.prepare(
    `DELETE FROM alerts WHERE id IN
       (SELECT id FROM alerts WHERE user_id = ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ${ALERTS_MOST})`,
  )
  const drop = db.prepare('DELETE FROM alerts WHERE id = ?')
  const readIds = db.prepare(
    'UPDATE alerts SET read = 1 WHERE user_id = ? AND read = 0 AND id IN (SELECT value FROM json_each(?))',
  )
  const readUpTo = db.prepare('UPDATE alerts SET read = 1 WHERE user_id = ? AND read = 0 AND at <= ?')
  const raise = db.prepare(
    'INSERT INTO alert_heads (user_id, rev) VALUES (?, 1) ON CONFLICT (user_id) DO UPDATE SET rev = rev + 1',
  )
  const forget = db.prepare('DELETE FROM alerts WHERE user_id = ?')
  const forgetHead = db.prepare('DELETE FROM alert_heads WHERE user_id = ?')
  const old = db.prepare('SELECT alert, read FROM alerts WHERE at < ? LIMIT ?')
  const purge = db.prepare('DELETE FROM alerts WHERE id IN (SELECT value FROM json_each(?)) AND gone = 1 AND at < ?')
  const state = stateReads(db)

  function write(alert: Alert): void {
    set.run(alert.id, alert.userId, alert.at, Number(alert.read), Number(alert.gone ?? false), JSON.stringify(alert))
  }

  return {
    putAlerts(alerts: readonly Alert[]): AlertChange[] {
      return [...Map.groupBy(alerts, ({ userId }) => userId)].map(([userId, own]) => {
        let changed = false
        for (const next of own) {
          const row = find.get(next.id)
          const now = merged(row && alertOf(row), next)
          if (now) write(now)
          changed ||= now !== undefined
        }
        if (changed) {
          bound.run(userId)
          raise.run(userId)
        }
        const ids = new Set(own.map(({ id }) => id))
        const items = [...ids].flatMap((id) => find.all(id).map(alertOf))
        return { userId, ...state(userId), items }
      })
    },
    readAlerts(
      userId: string,
      which: { ids: readonly string[] } | { upTo: number },
    ): AlertState & { changed: boolean } {
      const { changes } =
        'ids' in which ? readIds.run(userId, JSON.stringify(which.ids)) : readUpTo.run(userId, which.upTo)
      if (changes > 0) raise.run(userId)
      return { ...state(userId), changed: changes > 0 }
    },
    removeAlerts(userId: string, about: AlertSubject): AlertRemoval {
      const own = all.all(userId).map(alertOf)
      const items: Alert[] = []
      const gone: string[] = []
      for (const alert of own.filter((one) => isAbout(one, about))) {
        const left = 'actorId' in about ? without(alert, about.actorId) : undefined
        if (left) {
          write(left)
          items.push(left)
        } else {
          if ('actorId' in about) write(goneFrom(alert))
          else drop.run(alert.id)
          gone.push(alert.id)
        }
      }
      if (items.length + gone.length > 0) raise.run(userId)
      return { userId, ...state(userId), items, gone }
    },
    forgetAlerts(userId: string): void {
      forget.run(userId)
      forgetHead.run(userId)
    },
    expireAlerts(before: number, limit: number): AlertRemoval[] {
      return [...Map.groupBy(old.all(before, limit).map(alertOf), ({ userId }) => userId)].map(([userId, own]) => {
        const there = own.filter(({ gone }) => !gone)
        for (const alert of there) write(goneFrom(alert))
        if (there.length > 0) raise.run(userId)
        return { userId, ...state(userId), items: [], gone: own.map(({ id }) => id) }
      })
    },
    purgeAlerts: (ids: readonly string[], before: number): number =>
      Number(purge.run(JSON.stringify(ids), before).changes),
  }
}

function stateReads(db: DatabaseSync): (userId: string) => AlertState {
  const unread = db.prepare(ALERT_READS.unread)
  const rev = db.prepare(ALERT_READS.rev)
  return (userId) => ({ rev: Number(rev.get(userId)?.rev ?? 0), unread: Number(unread.get(userId)!.n) })
}

/** The alerts in the file that `db` reads and `write` writes. */
export function sqliteAlerts(db: DatabaseSync, write: Write<Writes>): AlertStore {
  const list = db.prepare(ALERT_READS.list)
  const state = stateReads(db)
  return {
    put: (alerts) => write('putAlerts', alerts),
    list: async (userId, before, limit) =>
      list.all(userId, before?.at ?? Number.MAX_SAFE_INTEGER, before?.id ?? '', limit).map(alertOf),
    state: async (userId) => state(userId),
    read: (userId, which) => write('readAlerts', userId, which),
    remove: (userId, about) => write('removeAlerts', userId, about),
    forget: (userId) => write('forgetAlerts', userId),
    expire: (before, limit) => write('expireAlerts', before, limit),
    purge: (ids, before) => write('purgeAlerts', ids, before),
  }
}

const alertOf = (row: Row): Alert => ({
  ...(JSON.parse(String(row.alert)) as Alert), // as the write above wrote it
  read: row.read === 1,
})
