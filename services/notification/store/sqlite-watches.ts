import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import type { Write } from '@parley/kit/sqlite/writer'
import type { NewDelivery } from './deliveries.ts'
import type { Writes } from './sqlite-writes.ts'
import { type Answer, LOOK_BACK, type News, type Round, type Watch, type WatchStore } from './watches.ts'

/**
 * A new step of the schema. All up to `decided` is decided; `claimed` is the end of what someone decides on now, whose lease ends at
 * `due_at`. What waits has `due_at`, and no other row.
 */
export const WATCHES_STEP = `
  CREATE TABLE watches (
    conversation_id TEXT PRIMARY KEY,
    decided INTEGER NOT NULL DEFAULT 0,
    heard INTEGER NOT NULL,
    claimed INTEGER,
    due_at INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    heard_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX watches_due ON watches (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX watches_idle ON watches (heard_at) WHERE due_at IS NULL;
  CREATE TABLE rounds (
    conversation_id TEXT NOT NULL,
    to_seq INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    answers TEXT NOT NULL,
    PRIMARY KEY (conversation_id, to_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rounds_at ON rounds (at);`

/** A new step of the schema. Of a conversation `counted` messages behind `base` are counted, of those up to `heard`. */
export const FORGOTTEN_STEP = `
  ALTER TABLE watches ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
  DROP INDEX watches_uncounted;
  CREATE INDEX watches_uncounted ON watches (conversation_id) WHERE heard > base + counted;
  CREATE INDEX watches_idle ON watches (heard_at) WHERE due_at IS NULL;`

/** The statements that read, each by an index. */
export const WATCH_READS = {
  nextDue: 'SELECT due_at FROM watches WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1',
  round: 'SELECT * FROM rounds WHERE conversation_id = ? AND to_seq >= ? ORDER BY to_seq LIMIT 1',
  roundsAfter: `SELECT conversation_id, to_seq, answers FROM rounds
    WHERE (conversation_id, to_seq) > (?, ?) ORDER BY conversation_id, to_seq LIMIT ?`,
} as const

/** Rounds that are looked through at once: of a large group each has thousands of users. */
const LOOKED_AT_ONCE = 50

type Row = Record<string, unknown>

/** The writes, for the writer's thread. */
export function watchWrites(db: DatabaseSync, planDeliveries: (deliveries: readonly NewDelivery[]) => void) {
  const note = db.prepare(
    `INSERT INTO watches (conversation_id, heard, due_at, heard_at, base, decided) VALUES (?1, ?2, ?3, ?3, ?4, max(0, ?4 - ${LOOK_BACK}))
     ON CONFLICT DO UPDATE SET heard = max(heard, ?2), heard_at = ?3, base = min(base, ?4),
       decided = CASE WHEN epoch = 0 THEN min(decided, max(0, ?4 - ${LOOK_BACK})) ELSE decided END,
       due_at = CASE WHEN due_at IS NULL AND ?2 > decided THEN ?3 ELSE due_at END
     RETURNING due_at, claimed`,
  )
  const due = db.prepare(
    'SELECT conversation_id FROM watches WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?',
  )
  const claim = db.prepare(
    `UPDATE watches SET due_at = ?, owner = ?, epoch = epoch + 1, claimed = coalesce(claimed, heard)
     WHERE conversation_id = ? RETURNING *`,
  )
  const decide = db.prepare(
    `UPDATE watches SET decided = claimed, claimed = NULL, owner = NULL, heard = max(heard, ?5),
       due_at = CASE WHEN max(heard, ?5) > claimed THEN ?1 END
     WHERE conversation_id = ?2 AND epoch = ?3 AND claimed = ?4`,
  )
  const postpone = db.prepare(
    'UPDATE watches SET due_at = ?, owner = NULL WHERE conversation_id = ? AND epoch = ? AND claimed IS NOT NULL',
  )
  const keep = db.prepare(
    'INSERT OR REPLACE INTO rounds (conversation_id, to_seq, from_seq, at, answers) VALUES (?, ?, ?, ?, ?)',
  )
  const answers = db.prepare('SELECT answers FROM rounds WHERE conversation_id = ? AND to_seq = ?')
  const setAnswers = db.prepare('UPDATE rounds SET answers = ? WHERE conversation_id = ? AND to_seq = ?')
  const prune = db.prepare(
    `DELETE FROM watches WHERE conversation_id IN
       (SELECT conversation_id FROM watches WHERE due_at IS NULL AND heard_at < ? AND heard = base + counted
        ORDER BY heard_at LIMIT ?)`,
  )
  const forget = db.prepare(
    `DELETE FROM rounds WHERE (conversation_id, to_seq) IN
       (SELECT conversation_id, to_seq FROM rounds WHERE at < ? ORDER BY at LIMIT ?)`,
  )

  return {
    noteNews(news: readonly News[], dueAt: number): { conversationId: string; dueAt: number }[] {
      return news.flatMap(({ conversationId, seq, fromSeq = 1 }) => {
        const { due_at, claimed } = note.get(conversationId, seq, dueAt, fromSeq - 1)!
        return due_at === null || claimed !== null ? [] : [{ conversationId, dueAt: Number(due_at) }]
      })
    },
    claimWatches({ owner, now, leaseMs, limit }: Parameters<WatchStore['claim']>[0]): Watch[] {
      return due.all(now, limit).map((row) => watchOf(claim.get(now + leaseMs, owner, row.conversation_id!)!))
    },
    decideWatch(
      watch: Watch,
      round: Round,
      deliveries: readonly NewDelivery[],
      next: { seq: number; dueAt: number },
    ): boolean {
      const { conversationId, toSeq, epoch } = watch
      if (decide.run(next.dueAt, conversationId, epoch, toSeq, next.seq).changes === 0) return false
      keep.run(conversationId, round.toSeq, round.fromSeq, round.at, JSON.stringify(round.answers))
      planDeliveries(deliveries)
      return true
    },
    postponeWatch({ conversationId, epoch }: Watch, at: number): void {
      postpone.run(at, conversationId, epoch)
    },
    pruneWatches: (before: number, limit: number): number => Number(prune.run(before, limit).changes),
    forgetInRounds(rounds: readonly Pick<Round, 'conversationId' | 'toSeq'>[], userIds: readonly string[]): void {
      for (const { conversationId, toSeq } of rounds) {
        const row = answers.get(conversationId, toSeq)
        const left = (row ? answersOf(row) : []).map((answer) => ({
          ...answer,
          userIds: answer.userIds.filter((id) => !userIds.includes(id)),
        }))
        setAnswers.run(JSON.stringify(left), conversationId, toSeq)
      }
    },
    purgeRounds(before: number, limit: number): number {
      return Number(forget.run(before, limit).changes)
    },
  }
}

/** The watches in the file that `db` reads and `write` writes. */
export function sqliteWatches(db: DatabaseSync, write: Write<Writes>): WatchStore {
  const nextDue = db.prepare(WATCH_READS.nextDue)
  const round = db.prepare(WATCH_READS.round)
  const roundsAfter = db.prepare(WATCH_READS.roundsAfter)
  return {
    note: (news, dueAt) => write('noteNews', news, dueAt),
    claim: (wanted) => write('claimWatches', wanted),
    decide: (watch, kept, deliveries, next) => write('decideWatch', watch, kept, deliveries, next),
    postpone: (watch, at) => write('postponeWatch', watch, at),
    async nextDue() {
      const row = nextDue.get()
      return row && Number(row.due_at)
    },
    async round(conversationId, seq) {
      const row = round.get(conversationId, seq)
      return row && Number(row.from_seq) <= seq ? roundOf(row) : undefined
    },
    prune: (before, limit) => write('pruneWatches', before, limit),
    async forget(userIds) {
      for (let [conversationId, toSeq] = ['', 0]; userIds.length > 0; await setImmediate()) {
        const rows = roundsAfter.all(conversationId, toSeq, LOOKED_AT_ONCE)
        const theirs = rows.filter(({ answers }) => userIds.some((id) => String(answers).includes(id)))
        if (theirs.length > 0) await write('forgetInRounds', theirs.map(keyOf), userIds)
        const last = rows.at(-1)
        if (!last || rows.length < LOOKED_AT_ONCE) return
        ;({ conversationId, toSeq } = keyOf(last))
      }
    },
    purge: (before, limit) => write('purgeRounds', before, limit),
  }
}

const watchOf = (row: Row): Watch => ({
  conversationId: String(row.conversation_id),
  fromSeq: Number(row.decided) + 1,
  toSeq: Number(row.claimed),
  epoch: Number(row.epoch),
  leaseUntil: Number(row.due_at),
})

const keyOf = (row: Row) => ({ conversationId: String(row.conversation_id), toSeq: Number(row.to_seq) })

const roundOf = (row: Row): Round => ({
  ...keyOf(row),
  fromSeq: Number(row.from_seq),
  at: Number(row.at),
  answers: answersOf(row),
})

const answersOf = (row: Row): Answer[] => JSON.parse(String(row.answers)) as Answer[] // as the writes above wrote it
