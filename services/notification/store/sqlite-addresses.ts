import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import type { AddressStore, Bounce } from './addresses.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const ADDRESSES_STEP = `
  CREATE TABLE addresses (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    detail TEXT NOT NULL,
    tried_at INTEGER,
    tried_for TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX addresses_at ON addresses (at);`

export const ADDRESS_READS = {
  address: 'SELECT at, detail FROM addresses WHERE key = ?',
  addresses: 'SELECT count(*) AS n FROM (SELECT 1 FROM addresses LIMIT ?)',
} as const

/** The writes, for the writer's thread. */
export function addressWrites(db: DatabaseSync) {
  const suspend = db.prepare(
    `INSERT INTO addresses (key, at, detail) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET at = excluded.at, detail = excluded.detail`,
  )
  const tryOnce = db.prepare(
    `UPDATE addresses SET tried_at = iif(tried_for = ?1, tried_at, ?2), tried_for = ?1
     WHERE key = ?3 AND (tried_at IS NULL OR tried_at <= ?4 OR tried_for = ?1)`,
  )
  const lift = db.prepare('DELETE FROM addresses WHERE key = ?')
  const purge = db.prepare('DELETE FROM addresses WHERE at < ?')

  return {
    suspendAddress: (key: string, { at, detail }: Bounce): void => void suspend.run(key, at, detail),
    tryAddress: (key: string, deliveryId: string, now: number, everyMs: number): boolean =>
      tryOnce.run(deliveryId, now, key, now - everyMs).changes === 1,
    liftAddress: (key: string): void => void lift.run(key),
    purgeAddresses: (before: number): void => void purge.run(before),
  }
}

/** The suspended addresses in the file that `db` reads and `write` writes. */
export function sqliteAddresses(db: DatabaseSync, write: Write<Writes>): AddressStore {
  const address = db.prepare(ADDRESS_READS.address)
  const addresses = db.prepare(ADDRESS_READS.addresses)
  return {
    suspend: (key, bounce) => write('suspendAddress', key, bounce),
    async find(key) {
      const row = address.get(key)
      return row && { at: Number(row.at), detail: String(row.detail) }
    },
    tryOnce: (key, deliveryId, now, everyMs) => write('tryAddress', key, deliveryId, now, everyMs),
    lift: (key) => write('liftAddress', key),
    count: async (atMost) => Number(addresses.get(atMost)!.n),
    purge: (before) => write('purgeAddresses', before),
  }
}
