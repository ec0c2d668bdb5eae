import type { DatabaseSync } from 'node:sqlite'
import { crashPoint } from './crash.ts'

/**
 * Brings a SQLite file up to the newest of `steps`, which are numbered 1, 2, 3… by their place; a step once released is never
 * edited or removed. All missing steps run in one transaction under the write lock, so that two processes that start at once
 * run each step once, and a crash leaves the file as it was. Throws when a newer version of the program wrote the file.
 */
export function migrate(db: DatabaseSync, steps: readonly string[]): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const done = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (done > steps.length)
      throw new Error(`The database is of version ${done}, this program knows ${steps.length}: run the newer program`)
    for (const step of steps.slice(done)) {
      db.exec(step)
      crashPoint('migration.middle')
    }
    db.exec(`PRAGMA user_version = ${steps.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
