import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { GRAMS_VERSION } from '../../grams.ts'

/**
 * The file of the index, beside the store's own: all of it can be worked out again, so that whatever is wrong with it is mended by
 * beginning anew. Nothing that it is written with waits for the disk, and none of it takes a lock that a message waits for.
 *
 * Segment n tells which of the log's positions from n × `size` on have which gram; those up to `sealed` are there, and whole. A
 * row of `segments` has the conversation of each position, so that what is not the asker's is passed over without a look at it.
 */
export interface IndexFile {
  readonly writer: DatabaseSync
  readonly reader: DatabaseSync
  /** Positions in a segment. */
  readonly size: number
  /** Segments that are there. */
  sealed: number
  /** Position of the latest change of the log that the index shows, as far as it has segments. */
  changes: number
  save(): void
  close(): void
}

const TABLES = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID`,
  `CREATE TABLE segments (number INTEGER PRIMARY KEY, conversations BLOB NOT NULL, first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL) STRICT`,
  `CREATE TABLE postings (segment INTEGER NOT NULL, gram TEXT NOT NULL, places BLOB NOT NULL,
     PRIMARY KEY (segment, gram)) STRICT, WITHOUT ROWID`,
]

/** Opens the index of that log (by its epoch, and its last position), in segments of that size; what was made of anything else is made anew. */
export function openIndexFile(
  path: string,
  { epoch, size, last, lastChange }: { epoch: string; size: number; last: number; lastChange: number },
): IndexFile {
  const stamp = `${GRAMS_VERSION}/${size}/${epoch}`
  try {
    const file = open(path, stamp, size)
    // A log that has less than the index is another log.
    if (file.sealed * size <= last + 1 && file.changes <= last) return file
    file.close()
  } catch {
    // Damaged, or of an earlier form.
  }
  removeIndexFile(path)
  return open(path, stamp, size, lastChange)
}

/** Removes the file, and those beside it. */
export function removeIndexFile(path: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(path + part, { force: true })
}

function open(path: string, stamp: string, size: number, lastChange?: number): IndexFile {
  const writer = new DatabaseSync(path, { timeout: 1_000 })
  let reader: DatabaseSync | undefined
  try {
    writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
    if (lastChange !== undefined) {
      writer.exec('BEGIN')
      for (const table of TABLES) writer.exec(table)
      const meta = writer.prepare('INSERT INTO meta VALUES (?, ?)')
      for (const [name, value] of [
        ['stamp', stamp],
        ['sealed', 0],
        ['changes', lastChange],
      ] as const)
        meta.run(name, value)
      writer.exec('COMMIT')
    }
    const value = (name: string): unknown => writer.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.value
    if (value('stamp') !== stamp) throw new Error('an index of something else')
    reader = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
    const setMeta = writer.prepare('UPDATE meta SET value = ? WHERE name = ?')
    const [read, write] = [reader, writer]
    return {
      writer,
      reader,
      size,
      sealed: Number(value('sealed')),
      changes: Number(value('changes')),
      save() {
        setMeta.run(this.sealed, 'sealed')
        setMeta.run(this.changes, 'changes')
      },
      close() {
        read.close()
        write.close()
      },
    }
  } catch (error) {
    reader?.close()
    writer.close()
    throw error
  }
}
