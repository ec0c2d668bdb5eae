import { DatabaseSync } from 'node:sqlite'
import { crashPoint } from '@parley/kit/crash'
import { isForGood } from '@parley/kit/sqlite/for-good'
import { createdAfter } from '../created-at.ts'
import { Appends } from './appends.ts'
import { idBytes } from './bytes.ts'
import { departureSteps } from './departures.ts'
import { Erasure } from './erasure.ts'
import { Heads } from './heads.ts'
import { Inboxes } from './inboxes.ts'
import { MarkRounds } from './marks.ts'
import { Mentions } from './mentions.ts'
import { OwnRounds } from './own.ts'
import { APPEND_WIDTH, Packed } from './pack.ts'
import { Leases } from './presence.ts'
import type { Answer, Command, Outcome, Round, WriterOptions } from './round.ts'
import { migrate } from './schema.ts'
import { SettingsRounds } from './settings.ts'
import { one, write } from './statements.ts'
import { Watermark } from './watermark.ts'

/** The one connection that writes: each round is one transaction, synced to disk before it is reported as committed. */
export interface Writer {
  readonly epoch: string
  run(round: Round): Outcome
  /** Between two rounds: moves what was committed into the main file when the log beside it has grown. False if the disk failed. */
  tidy(): boolean
  close(): void
}

const BUSY_MS = 1_000
/** About so many pages are written to the log beside the file before they are moved into the file. */
const LOG_PAGES = 15_000
/** The log is overwritten from its beginning after each move, which costs half of what growing it does. Above that it is cut. */
const LOG_BYTES = 64_000_000

/** Opens the file, which it makes or brings up to date. Throws when it cannot be used. */
export function openWriter({ path, leaseMs, limits }: WriterOptions): Writer {
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  // `tidy` does it: SQLite's own would swallow the error of a failed sync.
  db.exec('PRAGMA wal_autocheckpoint = 0')
  db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`)
  db.exec('PRAGMA cache_size = -65536')
  migrate(db)

  const heads = new Heads(db)
  const inboxes = new Inboxes(db, heads, limits.marksMembers)
  const mentions = new Mentions(db)
  const erasure = new Erasure(db, mentions)
  const appends = new Appends(db, heads, inboxes, mentions, erasure)
  const marks = new MarkRounds(db, inboxes)
  const settings = new SettingsRounds(db, heads, inboxes)
  const own = new OwnRounds(db, heads, inboxes)
  const leases = new Leases(db, leaseMs)
  const watermark = new Watermark(db)
  const putPerson = write(db, 'person')
  const depart = departureSteps(db)
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const version = db.prepare('PRAGMA data_version')
  let seenVersion = version.get()?.data_version
  const lastMessageAt = one<{ at: number }>(db, 'lastMessageAt')
  const lastChangeAt = one<{ at: number }>(db, 'lastChangeAt')
  /** When the latest entry was created; undefined: to be read. */
  let lastAt: number | undefined
  let broken = false
  /** Pages written since the last move. The size of the log tells nothing: it keeps the size that it has once had. */
  let written = 0

  return {
    epoch: String(one<{ value: string }>(db, 'meta')('epoch')?.value),

    run(round) {
      if (broken) return { committed: false, broken, forGood: false, reason: 'an earlier round met an I/O error' }
      try {
        return transact(round)
      } catch (error) {
        broken = !rollBack() || isFatal(error)
        return { committed: false, broken, forGood: isForGood(error), reason: reasonOf(error) }
      }
    },

    tidy() {
      heads.trim()
      inboxes.trim()
      try {
        if (!broken && written > LOG_PAGES) {
          written = 0
          db.exec('PRAGMA wal_checkpoint(PASSIVE)')
        }
      } catch (error) {
        broken = isFatal(error)
      }
      return !broken
    },

    close() {
      try {
        if (!broken) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      } catch {
        // Then the log stays beside the file, and nothing is lost.
      }
      db.close()
    },
  }

  function transact(round: Round): Outcome {
    if (round.appends.length > 0) crashPoint('append.before-begin')
    begin.run()
    if (round.appends.length > 0) crashPoint('append.after-begin')
    // Another process should not write here (the data folder is locked). If one does, nothing that we remember holds.
    const nowVersion = version.get()?.data_version
    if (nowVersion !== seenVersion) forget()
    seenVersion = nowVersion

    const now = Date.now()
    lastAt = createdAfter(lastAt ?? Math.max(lastMessageAt()?.at ?? 0, lastChangeAt()?.at ?? 0), now)
    const packed = new Packed(round, heads)
    const places = appends.run(packed, lastAt)
    const replies = round.commands.map((command) => carryOut(command, now))
    const marked = marks.run(packed)
    inboxes.flush()

    if (round.marks.length > 0) crashPoint('marks.before-commit')
    if (round.appends.length > 0) crashPoint('append.before-commit')
    commit.run()
    written += pagesOf(round)
    if (round.appends.length > 0) crashPoint('append.after-commit')
    return { committed: true, appends: places, marks: marked, replies }
  }

  function carryOut(command: Command, now: number): Answer {
    switch (command.do) {
      case 'relayed':
        raise(command.conversationIds)
        watermark.relayed(command.runs)
        return true
      case 'raise':
        raise(command.conversationIds)
        return true
      case 'synced':
        inboxes.synced(command.userId, command.upTo)
        return true
      case 'connect':
        return leases.connect(command, now)
      case 'disconnect':
        return leases.disconnect(command, now)
      case 'heartbeat':
        leases.heartbeat(command.nodeId, now)
        return true
      case 'expire':
        return leases.expire(now)
      case 'settings':
        return settings.change(command.stay, command.change, command.headSeq)
      case 'own':
        return own.change(command.stay, command.change, now) ?? false
      case 'unstar':
        own.unstar(command.userId, command.messages)
        return true
      case 'sweep': {
        const count = erasure.sweep(now, command.limit)
        if (count > 0) crashPoint('sweep.before-commit')
        return count
      }
      case 'person':
        putPerson(
          idBytes(command.id),
          command.username,
          command.displayName ?? null,
          command.colour ?? null,
          command.rev ?? 0,
        )
        return true
      case 'departure':
        return depart(command)
      default:
        throw new Error(`unknown command ${(command satisfies never as Command).do}`)
    }
  }

  function raise(conversationIds: readonly string[]): void {
    crashPoint('inbox.before-raise')
    for (const id of conversationIds) {
      const head = heads.find(id)
      if (head) inboxes.raise(head)
    }
  }

  function rollBack(): boolean {
    forget()
    try {
      if (db.isTransaction) db.exec('ROLLBACK')
      return true
    } catch {
      return false
    }
  }

  function forget(): void {
    lastAt = undefined
    heads.clear()
    inboxes.clear()
    appends.clear()
    marks.clear()
    watermark.clear()
  }
}

/**
 * The most pages that a round writes: those that every round touches, of one index a page for each message and of the other
 * one for each conversation, and the rows themselves. Long texts take more; the log bears it.
 */
function pagesOf({ appends, ids, commands }: Round): number {
  return 6 + (appends.length / APPEND_WIDTH) * 1.1 + ids.length + commands.length
}

const [BUSY, LOCKED, NOMEM, FULL] = [5, 6, 7, 13]
/** The shared-memory file could not grow: a full disk, before anything was written. */
const IOERR_SHMSIZE = 4874

/**
 * Is it unknown, after this error, what the disk holds? A sync that failed is not repeated: the kernel may have dropped what
 * it could not write, and would report success. A full disk, a lock held by another and our own defects pass.
 */
function isFatal(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
  if (code === undefined || code === IOERR_SHMSIZE || isForGood(error)) return false
  return ![BUSY, LOCKED, NOMEM, FULL].includes(code & 0xff)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
