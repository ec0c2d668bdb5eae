import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import type { NewDelivery } from './deliveries.ts'
import {
  DIGEST_CONVERSATIONS,
  type DigestClaim,
  type DigestNews,
  type DigestPace,
  type DigestStore,
} from './digests.ts'
import type { Writes } from './sqlite-writes.ts'

/**
 * A new step of the schema. `conversations` is JSON: the id of each in which something is new, with the version at which that was noted
 * last. What waits has `due_at`, which is the end of the lease while it is `claimed`.
 */
export const DIGESTS_STEP = `
  CREATE TABLE digests (
    user_id TEXT PRIMARY KEY,
    conversations TEXT NOT NULL,
    more INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    due_at INTEGER,
    claimed INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    round INTEGER NOT NULL DEFAULT 0,
    mailed_at INTEGER,
    noted_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX digests_due ON digests (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX digests_idle ON digests (noted_at) WHERE due_at IS NULL;`

/** The statement that reads, by an index. */
export const DIGEST_READS = {
  nextDigest: 'SELECT due_at FROM digests WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1',
} as const

type Row = Record<string, unknown>
type Noted = Record<string, number>

/** The writes, for the writer's thread. */
export function digestWrites(db: DatabaseSync, planDeliveries: (deliveries: readonly NewDelivery[]) => void) {
  const one = db.prepare('SELECT * FROM digests WHERE user_id = ?')
  const add = db.prepare(
    'INSERT INTO digests (user_id, conversations, version, due_at, noted_at) VALUES (?, ?, 1, ?, ?)',
  )
  const set = db.prepare(
    'UPDATE digests SET conversations = ?, more = ?, version = ?, due_at = ?, noted_at = ? WHERE user_id = ?',
  )
  const due = db.prepare('SELECT user_id FROM digests WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?')
  const claim = db.prepare(
    'UPDATE digests SET due_at = ?, claimed = 1, epoch = epoch + 1 WHERE user_id = ? RETURNING *',
  )
  const settle = db.prepare(
    `UPDATE digests SET conversations = ?, more = 0, round = round + 1, claimed = 0, failures = 0, due_at = ?, mailed_at = coalesce(?, mailed_at)
     WHERE user_id = ?`,
  )
  const postpone = db.prepare(
    `UPDATE digests SET due_at = ?, claimed = 0, failures = CASE ? WHEN 1 THEN failures + 1 ELSE 0 END
     WHERE user_id = ? AND epoch = ? AND claimed = 1`,
  )
  const forget = db.prepare('DELETE FROM digests WHERE user_id = ?')
  const purge = db.prepare(
    `DELETE FROM digests WHERE user_id IN
       (SELECT user_id FROM digests WHERE due_at IS NULL AND noted_at < ? ORDER BY noted_at LIMIT ?)`,
  )

  function noteOne(userId: string, conversationId: string, pace: DigestPace, at: number): void {
    const row = one.get(userId)
    if (!row) return void add.run(userId, JSON.stringify({ [conversationId]: 1 }), pace.dueAt, at)
    const noted = notedOf(row)
    const waits = conversationId in noted
    // Nobody has looked at it yet: it is told along with what was noted before.
    if (waits && row.due_at !== null && !row.claimed) return
    const version = Number(row.version) + 1
    const fits = waits || Object.keys(noted).length < DIGEST_CONVERSATIONS
    const next = fits ? { ...noted, [conversationId]: version } : noted
    const dueAt = row.due_at === null ? dueOf(pace, row.mailed_at) : Number(row.due_at)
    set.run(JSON.stringify(next), fits ? Number(row.more) : 1, version, dueAt, at, userId)
  }

  return {
    noteDigests({ conversationId, userIds }: DigestNews, pace: DigestPace, at: number): void {
      for (const userId of userIds) noteOne(userId, conversationId, pace, at)
    },
    claimDigests({ now, leaseMs, limit }: Parameters<DigestStore['claim']>[0]): DigestClaim[] {
      return due.all(now, limit).map((row) => claimOf(claim.get(now + leaseMs, row.user_id!)!))
    },
    settleDigest(
      { userId, epoch, version }: DigestClaim,
      delivery: NewDelivery,
      mailedAt: number | undefined,
      pace: DigestPace,
    ): boolean {
      const row = one.get(userId)
      if (!row || row.epoch !== epoch || !row.claimed) return false
      const left = Object.entries(notedOf(row)).filter(([, noted]) => noted > version)
      const dueAt = left.length > 0 ? dueOf(pace, mailedAt ?? row.mailed_at) : null
      settle.run(JSON.stringify(Object.fromEntries(left)), dueAt, mailedAt ?? null, userId)
      planDeliveries([delivery])
      return true
    },
    postponeDigest({ userId, epoch }: DigestClaim, at: number, failed: boolean): void {
      postpone.run(at, Number(failed), userId, epoch)
    },
    forgetDigest: (userId: string): void => void forget.run(userId),
    purgeDigests: (before: number, limit: number): number => Number(purge.run(before, limit).changes),
  }
}

/** The digests in the file that `db` reads and `write` writes. */
export function sqliteDigests(db: DatabaseSync, write: Write<Writes>): DigestStore {
  const next = db.prepare(DIGEST_READS.nextDigest)
  return {
    note: (news, pace, at) => write('noteDigests', news, pace, at),
    claim: (wanted) => write('claimDigests', wanted),
    settle: (claim, delivery, mailedAt, pace) => write('settleDigest', claim, delivery, mailedAt, pace),
    postpone: (claim, at, failed) => write('postponeDigest', claim, at, failed),
    async nextDue() {
      const row = next.get()
      return row && Number(row.due_at)
    },
    forget: (userId) => write('forgetDigest', userId),
    purge: (before, limit) => write('purgeDigests', before, limit),
  }
}

const dueOf = ({ dueAt, everyMs }: DigestPace, mailedAt: unknown): number =>
  typeof mailedAt === 'number' ? Math.max(dueAt, mailedAt + everyMs) : dueAt

const notedOf = (row: Row): Noted => JSON.parse(String(row.conversations)) as Noted // as the writes above wrote it

const claimOf = (row: Row): DigestClaim => ({
  userId: String(row.user_id),
  round: Number(row.round),
  conversationIds: inOrder(notedOf(row)),
  more: row.more === 1,
  epoch: Number(row.epoch),
  failures: Number(row.failures),
  version: Number(row.version),
  leaseUntil: Number(row.due_at),
})

const inOrder = (noted: Noted): string[] =>
  Object.entries(noted)
    .sort(([, one], [, other]) => one - other)
    .map(([id]) => id)
