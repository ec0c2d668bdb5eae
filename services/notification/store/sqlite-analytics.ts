import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { type AnalyticsStore, DAY_MS, type DayCounts, type Fact, startOf } from './analytics.ts'
import { DIGEST_IDS } from './deliveries.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. Of a conversation all messages up to `counted` are counted; it stays, so that none is counted again. A day is closed when it has `counts`. */
export const ANALYTICS_STEP = `
  ALTER TABLE watches ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
  UPDATE watches SET counted = heard;
  DROP INDEX watches_idle;
  CREATE INDEX watches_uncounted ON watches (conversation_id) WHERE heard > counted;
  CREATE TABLE days (day TEXT PRIMARY KEY, messages INTEGER NOT NULL DEFAULT 0, counts TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE day_facts (
    day TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (day, kind, id)
  ) STRICT, WITHOUT ROWID;`

const STATES = ['sent', 'failed', 'dropped'] as const
const IS_DIGEST = `id GLOB '${DIGEST_IDS}*'`
/** Channels as they are counted, and which notices each has. */
const COUNTED_AS = {
  mail: `channel = 'mail' AND NOT ${IS_DIGEST}`,
  digest: `channel = 'mail' AND ${IS_DIGEST}`,
  push: "channel = 'push'",
}
const settled = Object.entries(COUNTED_AS).flatMap(([name, those]) =>
  STATES.map((state) => `coalesce(sum(${those} AND state = '${state}'), 0) AS ${name}_${state}`),
)

/** The statements that read, each by an index. */
export const ANALYTICS_READS = {
  messages: 'SELECT messages FROM days WHERE day = ?',
  facts: 'SELECT count(*) AS n FROM day_facts WHERE day = ? AND kind = ?',
  notices: `SELECT ${settled.join(', ')}
    FROM deliveries WHERE settled_at IS NOT NULL AND settled_at >= ? AND settled_at < ?`,
  closed: 'SELECT day, counts FROM days WHERE day >= ? AND day <= ? AND counts IS NOT NULL ORDER BY day',
} as const

/** Conversations in one write. */
const COUNTED_AT_ONCE = 1_000

/** The writes, for the writer's thread. */
export function analyticsWrites(db: DatabaseSync) {
  const note = db.prepare('INSERT OR IGNORE INTO day_facts (day, kind, id) VALUES (?, ?, ?)')
  const uncounted = db.prepare(
    'SELECT conversation_id, heard - base - counted AS n FROM watches WHERE heard > base + counted LIMIT ?',
  )
  const counted = db.prepare('UPDATE watches SET counted = heard - base WHERE conversation_id = ?')
  const add = db.prepare(
    'INSERT INTO days (day, messages) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET messages = messages + ?2',
  )
  const close = db.prepare(
    'INSERT INTO days (day, counts) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET counts = coalesce(counts, ?2)',
  )
  const forgetFacts = db.prepare('DELETE FROM day_facts WHERE day = ?')
  const purgeFacts = db.prepare('DELETE FROM day_facts WHERE day < ?')
  const purge = db.prepare('DELETE FROM days WHERE day < ?')
  return {
    noteFacts(facts: readonly Fact[]): void {
      for (const { day, kind, id } of facts) note.run(day, kind, id)
    },
    /** How many conversations had something to count. */
    countMessages(day: string): number {
      const rows = uncounted.all(COUNTED_AT_ONCE)
      for (const { conversation_id } of rows) counted.run(conversation_id!)
      if (rows.length > 0)
        add.run(
          day,
          rows.map(({ n }) => Number(n)).reduce((a, b) => a + b),
        )
      return rows.length
    },
    closeDay(day: string, counts: DayCounts): void {
      close.run(day, JSON.stringify(counts))
      forgetFacts.run(day)
    },
    purgeDays(before: string, factsBefore: string): void {
      purge.run(before)
      purgeFacts.run(factsBefore)
    },
  }
}

/** The counts in the file that `db` reads and `write` writes. */
export function sqliteAnalytics(db: DatabaseSync, write: Write<Writes>): AnalyticsStore {
  const messages = db.prepare(ANALYTICS_READS.messages)
  const facts = db.prepare(ANALYTICS_READS.facts)
  const notices = db.prepare(ANALYTICS_READS.notices)
  const closed = db.prepare(ANALYTICS_READS.closed)
  return {
    note: (all) => write('noteFacts', all),
    async countMessages(day) {
      while ((await write('countMessages', day)) === COUNTED_AT_ONCE);
    },
    async count(day) {
      const factsOf = (kind: Fact['kind']): number => Number(facts.get(day, kind)!.n)
      return {
        messages: Number(messages.get(day)?.messages ?? 0),
        ...{ activeUsers: factsOf('active'), registrations: factsOf('registered'), logIns: factsOf('logIn') },
      }
    },
    async notices(day) {
      const row = notices.get(startOf(day), startOf(day) + DAY_MS)!
      const of = (channel: keyof typeof COUNTED_AS) => ({
        sent: Number(row[`${channel}_sent`]),
        failed: Number(row[`${channel}_failed`]),
        dropped: Number(row[`${channel}_dropped`]),
      })
      const alert = { sent: Number(facts.get(day, 'alert')!.n) }
      return { mail: of('mail'), digest: of('digest'), push: of('push'), alert }
    },
    close: (day, counts) => write('closeDay', day, counts),
    closed: async (from, to) =>
      closed
        .all(from, to)
        .map((row) => ({ day: String(row.day), counts: JSON.parse(String(row.counts)) as DayCounts })),
    purge: (before, factsBefore) => write('purgeDays', before, factsBefore),
  }
}
