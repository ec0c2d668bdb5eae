import type { DatabaseSync } from 'node:sqlite'
import { crashPoint } from '@parley/kit/crash'

/**
 * The tables, as numbered steps that only go forward. A step, once released, is never edited.
 *
 * `pos` is the one order in which everything was committed, over all conversations; messages and changes share it, without
 * gaps. So the outbox is a single number (`meta.relayed`) and a message row, which is written in `pos` order, carries only
 * the two indexes that the promises need.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID`,
    `INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(16)))), ('relayed', 0)`,
    // What was relayed above 'relayed' while something below was not.
    `CREATE TABLE relayed_ahead (pos INTEGER PRIMARY KEY) STRICT`,
    // 'rev', 'head_seq', 'members_rev' and 'state' (JSON) as the latest change left them; messages do not touch the row.
    `CREATE TABLE conversations (key INTEGER PRIMARY KEY, id BLOB NOT NULL, rev INTEGER NOT NULL,
       head_seq INTEGER NOT NULL, members_rev INTEGER NOT NULL, state TEXT NOT NULL) STRICT`,
    `CREATE UNIQUE INDEX conversation_id ON conversations (id)`,
    `CREATE TABLE messages (pos INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, seq INTEGER NOT NULL,
       rev INTEGER NOT NULL, members_rev INTEGER NOT NULL, id BLOB NOT NULL, sender BLOB NOT NULL, at INTEGER NOT NULL,
       hash BLOB NOT NULL, text TEXT NOT NULL) STRICT`,
    `CREATE UNIQUE INDEX message_seq ON messages (conversation, seq)`,
    `CREATE UNIQUE INDEX message_id ON messages (conversation, id)`,
    `CREATE TABLE changes (pos INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, rev INTEGER NOT NULL,
       head_seq INTEGER NOT NULL, members_rev INTEGER NOT NULL, id BLOB NOT NULL, sender BLOB NOT NULL, at INTEGER NOT NULL,
       hash BLOB NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT`,
    `CREATE UNIQUE INDEX change_rev ON changes (conversation, rev)`,
    `CREATE UNIQUE INDEX change_id ON changes (conversation, id)`,
    `CREATE TABLE marks (conversation INTEGER NOT NULL, user BLOB NOT NULL, delivered INTEGER NOT NULL,
       read INTEGER NOT NULL, PRIMARY KEY (conversation, user)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE inbox (user BLOB NOT NULL, conversation INTEGER NOT NULL, stamp INTEGER NOT NULL, gone INTEGER NOT NULL,
       PRIMARY KEY (user, conversation)) STRICT, WITHOUT ROWID`,
    `CREATE UNIQUE INDEX inbox_stamp ON inbox (user, stamp)`,
    `CREATE TABLE inbox_heads (user BLOB PRIMARY KEY, stamp INTEGER NOT NULL, synced INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE nodes (id TEXT PRIMARY KEY, beat INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE INDEX node_beat ON nodes (beat)`,
    `CREATE TABLE leases (user BLOB NOT NULL, node TEXT NOT NULL, socket TEXT NOT NULL,
       PRIMARY KEY (user, node, socket)) STRICT, WITHOUT ROWID`,
    `CREATE INDEX lease_node ON leases (node)`,
    `CREATE TABLE last_seen (user BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE people (id BLOB PRIMARY KEY, username TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  ],
  [
    // 'from_rev' names the stay of the member: what was set in an earlier one is not seen any more.
    `CREATE TABLE settings (user BLOB NOT NULL, conversation INTEGER NOT NULL, from_rev INTEGER NOT NULL,
       rev INTEGER NOT NULL, muted_until TEXT, archived_seq INTEGER, pinned INTEGER, level TEXT NOT NULL,
       draft TEXT NOT NULL, PRIMARY KEY (user, conversation)) STRICT, WITHOUT ROWID`,
    `CREATE INDEX settings_pinned ON settings (user, conversation) WHERE pinned IS NOT NULL`,
  ],
  [
    // What became of a message since it was sent, where anything did; 'text_rev' is the entry that its text is of.
    `CREATE TABLE message_states (conversation INTEGER NOT NULL, seq INTEGER NOT NULL, changed_rev INTEGER NOT NULL,
       text_rev INTEGER, text_at INTEGER, edits INTEGER NOT NULL, deleted INTEGER NOT NULL, reactions TEXT NOT NULL,
       PRIMARY KEY (conversation, seq)) STRICT, WITHOUT ROWID`,
    // The texts that a message had before its present one.
    `CREATE TABLE versions (conversation INTEGER NOT NULL, seq INTEGER NOT NULL, rev INTEGER NOT NULL, at INTEGER NOT NULL,
       text TEXT NOT NULL, PRIMARY KEY (conversation, seq, rev)) STRICT, WITHOUT ROWID`,
  ],
  [
    // What a message carries besides its text, as JSON, where it carries anything; and when it disappears, if it does. In a row
    // that has neither they take no place.
    `ALTER TABLE messages ADD COLUMN extras TEXT`,
    `ALTER TABLE messages ADD COLUMN expires INTEGER`,
    `CREATE INDEX message_expires ON messages (expires) WHERE expires IS NOT NULL`,
    // Whom messages name, one row each; x'' is everybody, and then nobody else stands here.
    `CREATE TABLE mentions (user BLOB NOT NULL, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, sender BLOB NOT NULL,
       PRIMARY KEY (user, conversation, seq)) STRICT, WITHOUT ROWID`,
    `CREATE INDEX mention_seq ON mentions (conversation, seq)`,
  ],
  [
    `ALTER TABLE people ADD COLUMN display_name TEXT`,
    `ALTER TABLE people ADD COLUMN colour INTEGER`,
    // Of the user's profile, so that what is heard late changes nothing back.
    `ALTER TABLE people ADD COLUMN rev INTEGER NOT NULL DEFAULT 0`,
  ],
  [
    // What users made of messages for themselves. 'starred' is when, so that the latest can be shown first.
    `CREATE TABLE own (user BLOB NOT NULL, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, rev INTEGER NOT NULL,
       starred INTEGER, hidden INTEGER NOT NULL, PRIMARY KEY (user, conversation, seq)) STRICT, WITHOUT ROWID`,
    `CREATE UNIQUE INDEX own_rev ON own (user, conversation, rev)`,
    `CREATE INDEX own_starred ON own (user, starred) WHERE starred IS NOT NULL`,
  ],
  [
    // As large as what timelines show beside messages; a read must name the same kinds in the same words.
    `CREATE INDEX change_event ON changes (conversation, head_seq, rev) WHERE kind IN ('created', 'members.added',
       'members.removed', 'members.role', 'renamed', 'described', 'timer.changed', 'message.pinned')`,
  ],
  [
    // Who deleted their account; 'after' is the last conversation that was seen to. The row stays, so that nobody goes twice.
    `CREATE TABLE departures (user BLOB PRIMARY KEY, messages TEXT NOT NULL, at TEXT NOT NULL, after BLOB,
       done INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID`,
    `CREATE INDEX departure_done ON departures (done)`,
  ],
  [
    // Of what is to disappear, only that of which something is left: a message without a hash was erased.
    `DROP INDEX message_expires`,
    `CREATE INDEX message_expires ON messages (expires) WHERE expires IS NOT NULL AND hash <> x''`,
  ],
  [
    // Whether the device is connected but not in use.
    `ALTER TABLE leases ADD COLUMN idle INTEGER NOT NULL DEFAULT 0`,
  ],
  [
    // Whom that text named, as JSON, where it named anybody: a message that is sent again is answered as it was sent.
    `ALTER TABLE versions ADD COLUMN named TEXT`,
  ],
]

/** The unique indexes that promises rest on (P2, P3): without one of them the store does not start. */
const UNIQUE: Record<string, readonly string[]> = {
  conversations: ['id'],
  messages: ['conversation,seq', 'conversation,id'],
  changes: ['conversation,rev', 'conversation,id'],
  marks: ['conversation,user'],
  inbox: ['user,conversation', 'user,stamp'],
}

/** Brings the tables up to date, each step whole or not at all. Throws when the data are from a newer Parley, or damaged. */
export function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version > MIGRATIONS.length) throw new Error('These data were written by a newer Parley: start that one')
  for (let step = version; step < MIGRATIONS.length; step++) {
    db.exec('BEGIN IMMEDIATE')
    // Another process may have taken this step while we waited for the lock.
    if (Number(db.prepare('PRAGMA user_version').get()?.user_version) === step) {
      for (const sql of MIGRATIONS[step]!) {
        db.exec(sql)
        crashPoint('migration.middle')
      }
      db.exec(`PRAGMA user_version = ${step + 1}`)
    }
    db.exec('COMMIT')
  }
  verify(db)
}

function verify(db: DatabaseSync): void {
  const indexes = db.prepare(
    `SELECT group_concat(i.name ORDER BY i.seqno) AS columns FROM pragma_index_list(?) l, pragma_index_info(l.name) i
     WHERE l."unique" = 1 AND l.partial = 0 GROUP BY l.name`,
  )
  for (const [table, wanted] of Object.entries(UNIQUE)) {
    const found = indexes.all(table).map((row) => row.columns)
    const missing = wanted.filter((columns) => !found.includes(columns))
    if (missing.length > 0)
      throw new Error(`The unique index on ${table} (${missing.join('), (')}) is missing: restore a backup`)
  }
}
