import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { SECURITY_EVENTS_AT_MOST, type SecurityStore, type StoredSecurityEvent } from './security.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const SECURITY_STEP = `
  CREATE TABLE security_events (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX security_events_user ON security_events (user_id, at);`

/** What waits to be told is a table of nothing else. */
export const SECURITY_READS = { untold: 'SELECT event FROM security_events LIMIT ?' } as const

/** The writes, for the writer's thread. */
export function securityWrites(db: DatabaseSync) {
  const add = db.prepare(
    'INSERT OR IGNORE INTO security_events SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2)',
  )
  const oldest = db.prepare(
    `DELETE FROM security_events WHERE user_id = ?1 AND id NOT IN
       (SELECT id FROM security_events WHERE user_id = ?1 ORDER BY at DESC LIMIT ${SECURITY_EVENTS_AT_MOST})`,
  )
  const tell = db.prepare('DELETE FROM security_events WHERE id = ?')

  return {
    /** Stores it with what happened, in the transaction that is open. */
    note(event: StoredSecurityEvent | undefined): void {
      if (!event) return
      add.run(event.id, event.userId, event.at, JSON.stringify(event))
      oldest.run(event.userId)
    },
    writes: {
      securityTold(events: readonly Pick<StoredSecurityEvent, 'id'>[]): void {
        for (const { id } of events) tell.run(id)
      },
    },
  }
}

/** The events in the file that `db` reads and `write` writes. */
export function sqliteSecurity(db: DatabaseSync, write: Write<Writes>): SecurityStore {
  const untold = db.prepare(SECURITY_READS.untold)
  return {
    // As `note` wrote them.
    untold: async (limit) => untold.all(limit).map(({ event }) => JSON.parse(String(event)) as StoredSecurityEvent),
    told: (events) =>
      write(
        'securityTold',
        events.map(({ id }) => ({ id })),
      ),
  }
}
