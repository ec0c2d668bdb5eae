import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import {
  ACCOUNT_DELETED,
  type Channel,
  type Claim,
  type Covering,
  type Delivery,
  type DeliveryStore,
  type Found,
  FURTHER,
  type NewDelivery,
  type Outcome,
  type Told,
} from './deliveries.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. What is open has `due_at` (planned: when it is due; sending: when its lease ends), what is settled `settled_at`. */
export const DELIVERIES_STEP = `
  CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    user_id TEXT,
    about TEXT,
    state TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    due_at INTEGER,
    settled_at INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    provider_id TEXT,
    reason TEXT,
    detail TEXT,
    payload TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX deliveries_settled ON deliveries (settled_at) WHERE settled_at IS NOT NULL;
  CREATE INDEX deliveries_user ON deliveries (user_id, planned_at, id) WHERE user_id IS NOT NULL;
  CREATE INDEX deliveries_about ON deliveries (user_id, about, id) WHERE about IS NOT NULL;`

/**
 * A new step of the schema. `covered` has a row for each conversation that a digest is about; one that was planned before this step is
 * taken to be about any.
 */
export const COVERED_STEP = `
  CREATE TABLE covered (
    delivery_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    PRIMARY KEY (delivery_id, conversation_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX covered_since ON covered (user_id, conversation_id, planned_at);
  INSERT INTO covered SELECT id, '*', user_id, planned_at FROM deliveries WHERE id GLOB 'mail/digest-*' AND user_id IS NOT NULL;
  ALTER TABLE deliveries ADD COLUMN topic TEXT;
  ALTER TABLE deliveries ADD COLUMN up_to INTEGER;
  CREATE INDEX deliveries_shown ON deliveries (user_id, topic, up_to) WHERE topic IS NOT NULL AND state = 'sent';`

/** A new step of the schema. What a digest tells of a conversation: messages from one on, or why none. */
export const FOUND_STEP = `
  ALTER TABLE covered ADD COLUMN from_seq INTEGER;
  ALTER TABLE covered ADD COLUMN untold TEXT;`

/** A new step of the schema. */
export const FAILURES_STEP = `
  ALTER TABLE deliveries ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE digests ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;`

/** The statements that read, each by an index. */
export const DELIVERY_READS = {
  nextDue: 'SELECT due_at FROM deliveries WHERE channel = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1',
  open: 'SELECT count(*) AS n FROM (SELECT 1 FROM deliveries WHERE channel = ? AND due_at IS NOT NULL LIMIT ?)',
  ofUser: 'SELECT * FROM deliveries WHERE user_id = ? ORDER BY planned_at DESC, id DESC LIMIT ?',
  ofUserBefore:
    'SELECT * FROM deliveries WHERE user_id = ? AND (planned_at, id) < (?, ?) ORDER BY planned_at DESC, id DESC LIMIT ?',
  about: 'SELECT * FROM deliveries WHERE user_id = ? AND about = ? ORDER BY id LIMIT ?',
  covering: `SELECT deliveries.*, conversation_id, from_seq, untold FROM covered JOIN deliveries ON id = delivery_id
    WHERE covered.user_id = ? AND conversation_id = ? AND covered.planned_at >= ? ORDER BY covered.planned_at LIMIT 1`,
  overtaken: "SELECT 1 FROM deliveries WHERE user_id = ? AND topic = ? AND up_to > ? AND state = 'sent' LIMIT 1",
} as const

type Row = Record<string, unknown>

/** The writes, for the writer's thread. */
export function deliveryWrites(db: DatabaseSync) {
  const plan = db.prepare(
    `INSERT OR IGNORE INTO deliveries
       (id, channel, user_id, about, topic, up_to, state, planned_at, due_at, settled_at, reason, detail, payload)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const cover = db.prepare(
    'INSERT OR IGNORE INTO covered (delivery_id, conversation_id, user_id, planned_at) VALUES (?, ?, ?, ?)',
  )
  const say = db.prepare('UPDATE covered SET from_seq = ?, untold = ? WHERE delivery_id = ? AND conversation_id = ?')
  const due = db.prepare(
    'SELECT id FROM deliveries WHERE channel = ? AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?',
  )
  const claim = db.prepare(
    "UPDATE deliveries SET state = 'sending', due_at = ?, owner = ?, epoch = epoch + 1 WHERE id = ? RETURNING *",
  )
  const renew = db.prepare("UPDATE deliveries SET due_at = ? WHERE id = ? AND epoch = ? AND state = 'sending'")
  const again = db.prepare(
    `UPDATE deliveries SET state = 'planned', due_at = ?, owner = NULL, failures = failures + ?, reason = ?, detail = ?
     WHERE id = ? AND epoch = ? AND state = 'sending'`,
  )
  const settle = db.prepare(
    `UPDATE deliveries SET state = ?, settled_at = ?, due_at = NULL, owner = NULL, payload = NULL, reason = ?, detail = ?, provider_id = ?
     WHERE id = ? AND epoch = ? AND state = 'sending'`,
  )
  const drop = db.prepare(
    `UPDATE deliveries SET state = 'dropped', settled_at = ?, due_at = NULL, owner = NULL, payload = NULL, reason = ?
     WHERE user_id = ? AND due_at IS NOT NULL`,
  )
  const forget = db.prepare(
    `UPDATE deliveries SET user_id = NULL, about = NULL, topic = NULL, up_to = NULL, detail = NULL, provider_id = NULL
     WHERE user_id = ?`,
  )
  const uncover = db.prepare('DELETE FROM covered WHERE user_id = ?')
  const old = 'SELECT id FROM deliveries WHERE settled_at IS NOT NULL AND settled_at < ? ORDER BY settled_at LIMIT ?'
  const purgeCovered = db.prepare(`DELETE FROM covered WHERE delivery_id IN (${old})`)
  const purge = db.prepare(`DELETE FROM deliveries WHERE id IN (${old})`)

  function find(id: string, found: readonly Found[]): void {
    for (const one of found) {
      const what = 'reason' in one ? [null, one.reason] : [one.fromSeq, null]
      say.run(...what, id, one.conversationId)
    }
  }

  return {
    planDeliveries(deliveries: readonly NewDelivery[]): void {
      for (const one of deliveries) {
        const { id, channel, userId, about, shown, covers = [], found = [], plannedAt, dueAt, payload, dropped } = one
        const state = dropped ? 'dropped' : 'planned'
        const [isDue, settledAt] = dropped ? [null, plannedAt] : [dueAt, null]
        const { reason = null, detail = null } = dropped ?? {}
        const kept = dropped ? null : JSON.stringify(payload)
        const whom = [userId ?? null, about ?? null, shown?.topic ?? null, shown?.upTo ?? null]
        const { changes } = plan.run(id, channel, ...whom, state, plannedAt, isDue, settledAt, reason, detail, kept)
        if (changes === 0 || userId === undefined) continue
        for (const conversationId of covers) cover.run(id, conversationId, userId, plannedAt)
        find(id, found)
      }
    },
    claimDeliveries(wanted: Parameters<DeliveryStore['claim']>[0]): Claim[] {
      const { channel, owner, now, leaseMs, limit } = wanted
      return due.all(channel, now, limit).map(({ id }) => claimOf(claim.get(now + leaseMs, owner, id!)!))
    },
    renewDelivery: (id: string, epoch: number, leaseUntil: number): boolean =>
      renew.run(leaseUntil, id, epoch).changes === 1,
    settleDelivery(id: string, epoch: number, outcome: Outcome, now: number): boolean {
      const { reason = null, detail = null } = outcome.kind === 'sent' ? {} : outcome
      if (outcome.kind === 'retry')
        return again.run(outcome.at, Number(outcome.failed ?? false), reason, detail, id, epoch).changes === 1
      const providerId = outcome.kind === 'sent' ? (outcome.providerId ?? null) : null
      if (settle.run(outcome.kind, now, reason, detail, providerId, id, epoch).changes === 0) return false
      if (outcome.kind !== 'failed') find(id, outcome.found ?? [])
      return true
    },
    forgetDeliveries(userId: string, now: number): void {
      drop.run(now, ACCOUNT_DELETED.reason, userId)
      forget.run(userId)
      uncover.run(userId)
    },
    purgeDeliveries(before: number, limit: number): number {
      purgeCovered.run(before, limit)
      return Number(purge.run(before, limit).changes)
    },
  }
}

/** The ledger in the file that `db` reads and `write` writes. */
export function sqliteDeliveries(db: DatabaseSync, write: Write<Writes>): DeliveryStore {
  const nextDue = db.prepare(DELIVERY_READS.nextDue)
  const open = db.prepare(DELIVERY_READS.open)
  const ofUser = db.prepare(DELIVERY_READS.ofUser)
  const ofUserBefore = db.prepare(DELIVERY_READS.ofUserBefore)
  const about = db.prepare(DELIVERY_READS.about)
  const covering = db.prepare(DELIVERY_READS.covering)
  const overtaken = db.prepare(DELIVERY_READS.overtaken)
  return {
    plan: (deliveries) => write('planDeliveries', deliveries),
    claim: (wanted) => write('claimDeliveries', wanted),
    renew: (id, epoch, leaseUntil) => write('renewDelivery', id, epoch, leaseUntil),
    settle: (id, epoch, outcome, now) => write('settleDelivery', id, epoch, outcome, now),
    async nextDue(channel) {
      const row = nextDue.get(channel)
      return row && Number(row.due_at)
    },
    open: async (channel, atMost) => Number(open.get(channel, atMost)!.n),
    async ofUser(userId, limit, before) {
      const rows = before ? ofUserBefore.all(userId, before.plannedAt, before.id, limit) : ofUser.all(userId, limit)
      return rows.map(toldOf)
    },
    about: async (userId, what, limit) => about.all(userId, what, limit).map(toldOf),
    async covering(userId, conversationId, since) {
      const [named, further] = [conversationId, FURTHER].map((one) => covering.get(userId, one, since))
      const isNamed = !further || (named && Number(named.planned_at) <= Number(further.planned_at))
      const first = isNamed ? named : further
      return first && coveringOf(first)
    },
    overtaken: async (userId, { topic, upTo }) => overtaken.get(userId, topic, upTo) !== undefined,
    forget: (userId, now) => write('forgetDeliveries', userId, now),
    purge: (before, limit) => write('purgeDeliveries', before, limit),
  }
}

function claimOf(row: Row): Claim {
  return {
    ...whatOf(row),
    plannedAt: Number(row.planned_at),
    dueAt: Number(row.due_at),
    leaseUntil: Number(row.due_at),
    epoch: Number(row.epoch),
    failures: Number(row.failures),
    payload: JSON.parse(String(row.payload)),
  }
}

function toldOf(row: Row): Told {
  return {
    ...whatOf(row),
    state: row.state as Told['state'], // as the writes above wrote it
    plannedAt: Number(row.planned_at),
    ...(row.due_at !== null && { dueAt: Number(row.due_at) }),
    ...(row.settled_at !== null && { settledAt: Number(row.settled_at) }),
    epoch: Number(row.epoch),
    ...(row.provider_id !== null && { providerId: String(row.provider_id) }),
    ...(row.reason !== null && { reason: String(row.reason) }),
    ...(row.detail !== null && { detail: String(row.detail) }),
  }
}

function coveringOf(row: Row): Covering {
  const { conversation_id, from_seq, untold } = row
  const conversationId = String(conversation_id)
  return {
    ...toldOf(row),
    ...(from_seq !== null && { found: { conversationId, fromSeq: Number(from_seq) } }),
    ...(untold !== null && { found: { conversationId, reason: String(untold) } }),
  }
}

const whatOf = (row: Row): Pick<Delivery, 'id' | 'channel' | 'userId' | 'about'> => ({
  id: String(row.id),
  channel: row.channel as Channel,
  ...(row.user_id !== null && { userId: String(row.user_id) }),
  ...(row.about !== null && { about: String(row.about) }),
})
