import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import type { ProgressStore } from './progress.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const PROGRESS_STEP =
  'CREATE TABLE progress (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;'

/** The statement that reads, by an index. */
export const PROGRESS_READS = { of: 'SELECT position FROM progress WHERE name = ?' } as const

/** The writes, for the writer's thread. */
export function progressWrites(db: DatabaseSync) {
  const set = db.prepare('INSERT OR REPLACE INTO progress (name, position) VALUES (?, ?)')
  return { setProgress: (name: string, position: number): void => void set.run(name, position) }
}

/** The progress in the file that `db` reads and `write` writes. */
export function sqliteProgress(db: DatabaseSync, write: Write<Writes>): ProgressStore {
  const of = db.prepare(PROGRESS_READS.of)
  return {
    async of(name) {
      const row = of.get(name)
      return row && Number(row.position)
    },
    set: (name, position) => write('setProgress', name, position),
  }
}
