import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { CAPTURED_AT_MOST, type CapturedLetter, type CapturedStore } from './captured.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. The link stands by itself, so that it alone can go. */
export const CAPTURED_STEP = `
  CREATE TABLE captured (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    letter TEXT NOT NULL,
    link TEXT,
    ends_at INTEGER
  ) STRICT;`

export const CAPTURED_READS = { captured: 'SELECT letter, link FROM captured ORDER BY n DESC' } as const

/** The writes, for the writer's thread. */
export function capturedWrites(db: DatabaseSync) {
  const add = db.prepare('INSERT OR IGNORE INTO captured (id, letter, link, ends_at) VALUES (?, ?, ?, ?)')
  const drop = db.prepare('DELETE FROM captured WHERE n <= (SELECT max(n) FROM captured) - ?')
  const blank = db.prepare('UPDATE captured SET link = NULL WHERE link IS NOT NULL AND ends_at <= ?')

  return {
    addCaptured({ link, ...letter }: CapturedLetter, now: number): void {
      const endsAt = letter.expiresAt === undefined ? null : Date.parse(letter.expiresAt)
      add.run(letter.id, JSON.stringify(letter), link ?? null, endsAt)
      drop.run(CAPTURED_AT_MOST)
      blank.run(now)
    },
    blankCaptured: (now: number): void => void blank.run(now),
  }
}

/** Captured mail in the file that `db` reads and `write` writes. */
export function sqliteCaptured(db: DatabaseSync, write: Write<Writes>): CapturedStore {
  const captured = db.prepare(CAPTURED_READS.captured)
  return {
    add: (letter, now) => write('addCaptured', letter, now),
    async list(now) {
      await write('blankCaptured', now)
      return captured.all().map(({ letter, link }) => ({
        ...(JSON.parse(String(letter)) as CapturedLetter), // as `addCaptured` wrote it
        ...(link !== null && { link: String(link) }),
      }))
    },
  }
}
