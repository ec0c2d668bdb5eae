import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { crashPoint } from '@parley/kit/crash'
import { GRAMS_VERSION } from '../../grams.ts'
import { Cache } from '../cache.ts'

/** Changes with how the file is written. */
const FORM = 2
/** Positions whose conversations stay in memory, at four bytes each. */
const KNOWN_POSITIONS = 8_000_000
/** Blocks of one segment, as a power of two: more than the longest texts fill. */
const BLOCKS = 2 ** 20

/** What the index has of so many positions of the log. */
export interface Segment {
  /** Of each place, and 0 where nothing is to be found. */
  conversations: Uint32Array<ArrayBuffer>
  /** Of the messages, in milliseconds. */
  firstAt: number
  lastAt: number
  /** Its blocks, of which each has the first gram: in runs, ascending within each. A run tells of some of the places, and one place may be in several. */
  runs: readonly Int32Array[]
}

/**
 * The file of the index, beside the store's own: all of it can be worked out again, so that whatever is wrong with it is mended by
 * beginning anew. Nothing that it is written with waits for the disk, and none of it takes a lock that a message waits for.
 *
 * Segment n tells which of the log's positions from n × `size` on have which gram; those up to `sealed` are there, and whole.
 * What is written over is gone from the file: pages that are free are overwritten, and a row that is in a page with others has
 * nothing of a text there.
 */
export interface IndexFile {
  /** Positions in a segment. */
  readonly size: number
  /** Segments that are there. */
  readonly sealed: number
  /** Position of the latest change of the log that the index shows, as far as it has segments. */
  readonly changes: number
  segment(number: number): Segment | undefined
  /** The blocks of every run that may have grams from `first` to `last`. */
  blocks(number: number, segment: Segment, first: number, last: number): Iterable<Uint8Array>
  /** Begins to write a segment: anew, or (`kept`) what comes beside what it has. Nothing of it is seen before `end`; `stop` instead leaves all as it was. */
  begin(number: number, kept?: Segment): SegmentWriting
  /** All changes up to that position are shown by what was written. */
  showed(change: number): void
  /** What was written over must not stay readable in the log beside the file either. */
  forget(): void
  close(): void
}

export interface SegmentWriting {
  /** The next block of the run. */
  block(firstGram: number, block: Uint8Array): void
  endRun(): void
  end(about: Omit<Segment, 'runs'>): void
  stop(): void
}

const TABLES = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID`,
  // The grams stand last: so they are in pages of their own, behind the conversations.
  `CREATE TABLE segments (number INTEGER PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
     conversations BLOB NOT NULL, runs BLOB NOT NULL) STRICT`,
  // By segment and then by number, in one key.
  `CREATE TABLE blocks (key INTEGER PRIMARY KEY, grams BLOB NOT NULL) STRICT`,
]

/** Opens the index of that log (by its epoch, and its last position), in segments of that size; what was made of anything else is made anew. */
export function openIndexFile(
  path: string,
  { epoch, size, last, lastChange }: { epoch: string; size: number; last: number; lastChange: number },
): IndexFile {
  const stamp = `${FORM}.${GRAMS_VERSION}/${size}/${epoch}`
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

/** Removes the file, and those beside it. Nothing else in this process may have it open or open it meanwhile: SQLite's locks do not keep two threads apart over a file that is replaced. */
export function removeIndexFile(path: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(path + part, { force: true })
}

function open(path: string, stamp: string, size: number, lastChange?: number): IndexFile {
  const writer = new DatabaseSync(path, { timeout: 1_000 })
  let reader: DatabaseSync | undefined
  try {
    writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
    if (lastChange !== undefined) make(writer, stamp, lastChange)
    if (metaOf(writer, 'stamp') !== stamp) throw new Error('an index of something else')
    // A process that was killed may have left there what it had just written over.
    writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    reader = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
    return use(writer, reader, size)
  } catch (error) {
    reader?.close()
    writer.close()
    throw error
  }
}

function make(writer: DatabaseSync, stamp: string, lastChange: number): void {
  writer.exec('BEGIN')
  for (const table of TABLES) writer.exec(table)
  const meta = writer.prepare('INSERT INTO meta VALUES (?, ?)')
  for (const [name, value] of Object.entries({ stamp, sealed: 0, changes: lastChange })) meta.run(name, value)
  writer.exec('COMMIT')
}

const metaOf = (db: DatabaseSync, name: string): unknown =>
  db.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.value

function use(writer: DatabaseSync, reader: DatabaseSync, size: number): IndexFile {
  const segments = new Cache<Segment>(KNOWN_POSITIONS, () => size)
  const getSegment = reader.prepare('SELECT first_at, last_at, conversations, runs FROM segments WHERE number = ?')
  const getBlock = reader.prepare('SELECT grams FROM blocks WHERE key = ?')
  const setMeta = writer.prepare('UPDATE meta SET value = ? WHERE name = ?')
  // In place: a row that is as long as before stays where it is.
  const putBlock = writer.prepare(
    'INSERT INTO blocks (key, grams) VALUES (?, ?) ON CONFLICT DO UPDATE SET grams = excluded.grams',
  )
  const cutBlocks = writer.prepare('DELETE FROM blocks WHERE key BETWEEN ? AND ?')
  const putSegment = writer.prepare(
    `INSERT INTO segments (number, first_at, last_at, conversations, runs) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
     SET first_at = excluded.first_at, last_at = excluded.last_at, conversations = excluded.conversations, runs = excluded.runs`,
  )
  let sealed = Number(metaOf(writer, 'sealed'))
  let changes = Number(metaOf(writer, 'changes'))

  function block(number: number, n: number): Uint8Array {
    const row = getBlock.get(number * BLOCKS + n) as { grams: Uint8Array } | undefined
    if (!row) throw new RangeError('a block is missing')
    return row.grams
  }

  return {
    size,
    get sealed() {
      return sealed
    },
    get changes() {
      return changes
    },

    segment(number) {
      const known = segments.get(String(number))
      if (known) return known
      const row = getSegment.get(number) as SegmentRow | undefined
      if (!row) return undefined
      const segment = {
        // A copy, since what SQLite gives need not begin at a multiple of four.
        conversations: new Uint32Array(row.conversations.slice().buffer),
        firstAt: row.first_at,
        lastAt: row.last_at,
        runs: unpackRuns(row.runs),
      }
      segments.set(String(number), segment)
      segments.trim()
      return segment
    },

    *blocks(number, { runs }, first, last) {
      let before = 0
      for (const run of runs) {
        for (let n = placeIn(run, first); n < run.length && run[n]! <= last; n++) yield block(number, before + n)
        before += run.length
      }
    },

    begin(number, kept) {
      writer.exec('BEGIN IMMEDIATE')
      const runs: number[][] = [...(kept?.runs ?? []).map((run) => [...run]), []]
      let count = runs.flat().length
      return {
        block(firstGram, bytes) {
          runs.at(-1)!.push(firstGram)
          putBlock.run(number * BLOCKS + count++, bytes)
        },
        endRun() {
          runs.push([])
        },
        end({ conversations, firstAt, lastAt }) {
          cutBlocks.run(number * BLOCKS + count, (number + 1) * BLOCKS - 1)
          putSegment.run(number, firstAt, lastAt, new Uint8Array(conversations.buffer), packRuns(runs))
          const next = Math.max(sealed, number + 1)
          setMeta.run(next, 'sealed')
          crashPoint('search.before-commit')
          writer.exec('COMMIT')
          sealed = next
          segments.delete(String(number))
        },
        stop() {
          if (writer.isTransaction) writer.exec('ROLLBACK')
        },
      }
    },

    showed(change) {
      setMeta.run(change, 'changes')
      changes = change
    },
    forget() {
      writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    },
    close() {
      reader.close()
      writer.close()
    },
  }
}

interface SegmentRow {
  first_at: number
  last_at: number
  conversations: Uint8Array
  runs: Uint8Array
}

/** The number of the block that has this gram, if any in the run has. */
function placeIn(run: Int32Array, gram: number): number {
  let [from, to] = [0, run.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (run[middle]! <= gram) from = middle + 1
    else to = middle
  }
  return Math.max(0, from - 1)
}

/** How long each run is, and what it has. */
const packRuns = (runs: readonly number[][]): Uint8Array =>
  new Uint8Array(Int32Array.from(runs.flatMap((run) => [run.length, ...run])).buffer)

function unpackRuns(bytes: Uint8Array): Int32Array[] {
  const numbers = new Int32Array(bytes.slice().buffer)
  const runs: Int32Array[] = []
  for (let at = 0; at < numbers.length; at += numbers[at]! + 1)
    runs.push(numbers.subarray(at + 1, at + 1 + numbers[at]!))
  return runs
}
