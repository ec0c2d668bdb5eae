import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

const CONVERSATION_KEY = '(SELECT key FROM conversations WHERE id = ?)'
const MESSAGE = 'm.pos, m.seq, m.rev, m.members_rev, m.id, m.sender, m.at, m.hash, m.text, m.extras, m.expires'
const STATE = 's.seq, s.changed_rev, s.text_rev, s.text_at, s.edits, s.deleted, s.reactions'
const CHANGE = 'c.pos, c.rev, c.head_seq, c.members_rev, c.id, c.sender, c.at, c.hash, c.kind, c.body'

/** Every read of the store, by name, so that all their plans can be looked at. */
export const READS = {
  meta: 'SELECT value FROM meta WHERE name = ?',
  conversation: 'SELECT key, rev, head_seq, members_rev, state FROM conversations WHERE id = ?',
  lastKey: 'SELECT max(key) AS key FROM conversations',
  lastMessage: 'SELECT seq, rev FROM messages WHERE conversation = ? ORDER BY seq DESC LIMIT 1',
  lastMessagePos: 'SELECT max(pos) AS pos FROM messages',
  lastChangePos: 'SELECT max(pos) AS pos FROM changes',
  lastMessageAt: 'SELECT at FROM messages WHERE pos = (SELECT max(pos) FROM messages)',
  lastChangeAt: 'SELECT at FROM changes WHERE pos = (SELECT max(pos) FROM changes)',
  messageById: `SELECT ${MESSAGE} FROM messages m WHERE conversation = ? AND id = ?`,
  changeById: `SELECT ${CHANGE} FROM changes c WHERE conversation = ? AND id = ?`,
  messages: `SELECT ${MESSAGE} FROM messages m WHERE conversation = ${CONVERSATION_KEY} AND seq BETWEEN ? AND ? ORDER BY seq`,
  messageStates: `SELECT ${STATE} FROM message_states s WHERE conversation = ${CONVERSATION_KEY} AND seq BETWEEN ? AND ?`,
  messageState: `SELECT ${STATE} FROM message_states s WHERE conversation = ? AND seq = ?`,
  messageBySeq: `SELECT ${MESSAGE} FROM messages m WHERE conversation = ? AND seq = ?`,
  // The text of an edit, while it is the latest.
  editedText: `SELECT m.text, m.extras, m.expires FROM message_states s JOIN messages m ON m.conversation = s.conversation AND m.seq = s.seq
    WHERE s.conversation = ${CONVERSATION_KEY} AND s.seq = ? AND s.text_rev = ? AND s.deleted = 0`,
  mentions: `SELECT seq, sender FROM mentions n
    WHERE user = ? AND conversation = ${CONVERSATION_KEY} AND seq BETWEEN ? AND ? AND NOT EXISTS (SELECT 1 FROM messages m
      WHERE m.conversation = n.conversation AND m.seq = n.seq AND m.expires <= ?) ORDER BY seq LIMIT ?`,
  versions: `SELECT text, at FROM versions WHERE conversation = ${CONVERSATION_KEY} AND seq = ? ORDER BY rev`,
  firstNamed: 'SELECT named FROM versions WHERE conversation = ? AND seq = ? ORDER BY rev LIMIT 1',
  changes: `SELECT ${CHANGE} FROM changes c WHERE conversation = ${CONVERSATION_KEY} AND rev BETWEEN ? AND ? ORDER BY rev`,
  events: `SELECT ${CHANGE} FROM changes c WHERE conversation = ${CONVERSATION_KEY} AND head_seq BETWEEN ? AND ?
    AND kind IN ('created', 'members.added', 'members.removed', 'members.role', 'renamed', 'described', 'timer.changed',
      'message.pinned') ORDER BY head_seq DESC, rev DESC LIMIT ?`,
  changeBefore: `SELECT rev, head_seq FROM changes WHERE conversation = ${CONVERSATION_KEY} AND rev <= ? ORDER BY rev DESC LIMIT 1`,
  others: `SELECT count(*) AS n, min(expires) AS until FROM (SELECT m.expires FROM messages m
    WHERE conversation = ${CONVERSATION_KEY} AND seq BETWEEN ? AND ? AND sender <> ?
      AND (expires IS NULL OR expires > ?) AND NOT EXISTS (SELECT 1
      FROM message_states s WHERE s.conversation = m.conversation AND s.seq = m.seq AND s.deleted = 1) LIMIT ?)`,
  messagesAfter: `SELECT ${MESSAGE}, k.id AS conversation_id FROM messages m JOIN conversations k ON k.key = m.conversation
    WHERE m.pos > ? ORDER BY m.pos LIMIT ?`,
  changesAfter: `SELECT ${CHANGE}, k.id AS conversation_id FROM changes c JOIN conversations k ON k.key = c.conversation
    WHERE c.pos > ? ORDER BY c.pos LIMIT ?`,
  messagePos: `SELECT pos FROM messages WHERE conversation = ${CONVERSATION_KEY} AND seq = ?`,
  changePos: `SELECT pos FROM changes WHERE conversation = ${CONVERSATION_KEY} AND rev = ?`,
  // The outbox's exceptions: read whole, and empty but for the moments in which the relay works out of order.
  relayedAhead: 'SELECT pos FROM relayed_ahead WHERE pos > ?',
  marks: `SELECT user, delivered, read FROM marks WHERE conversation = ${CONVERSATION_KEY}`,
  mark: 'SELECT delivered, read FROM marks WHERE conversation = ? AND user = ?',
  settings: `SELECT from_rev, rev, muted_until, archived_seq, pinned, level, draft FROM settings
    WHERE user = ? AND conversation = ?`,
  settingsPinned: `SELECT k.id, s.from_rev FROM settings s JOIN conversations k ON k.key = s.conversation
    WHERE s.user = ? AND s.pinned IS NOT NULL LIMIT ?`,
  expired: `SELECT pos, conversation, seq FROM messages WHERE expires <= ? AND hash <> x'' ORDER BY expires LIMIT ?`,
  own: 'SELECT rev, starred, hidden FROM own WHERE user = ? AND conversation = ? AND seq = ?',
  ownRev: 'SELECT max(rev) AS rev FROM own WHERE user = ? AND conversation = ?',
  ownPage: `SELECT seq, rev, starred, hidden FROM own
    WHERE user = ? AND conversation = ? AND rev > ? AND seq >= ? ORDER BY rev LIMIT ?`,
  ownAmong: 'SELECT seq, rev, starred, hidden FROM own WHERE user = ? AND conversation = ? AND seq BETWEEN ? AND ?',
  starred: `SELECT k.id, o.seq, o.starred AS place FROM own o JOIN conversations k ON k.key = o.conversation
    WHERE o.user = ? AND o.starred IS NOT NULL AND o.starred < ? ORDER BY o.starred DESC LIMIT ?`,
  countStarred: 'SELECT count(*) AS n FROM (SELECT 1 FROM own WHERE user = ? AND starred IS NOT NULL LIMIT ?)',
  inboxHead: 'SELECT stamp, synced FROM inbox_heads WHERE user = ?',
  inboxRow: 'SELECT stamp FROM inbox WHERE user = ? AND conversation = ?',
  inboxPage: `SELECT k.id, i.stamp, i.gone FROM inbox i JOIN conversations k ON k.key = i.conversation
    WHERE i.user = ? AND i.stamp > ? ORDER BY i.stamp LIMIT ?`,
  inboxBetween: `SELECT k.id FROM inbox i JOIN conversations k ON k.key = i.conversation
    WHERE i.user = ? AND i.stamp > ? AND i.stamp <= ?`,
  inboxIds: `SELECT k.id FROM inbox i JOIN conversations k ON k.key = i.conversation
    WHERE i.user = ? AND i.gone = 0 LIMIT ?`,
  leaseAlive: 'SELECT 1 FROM leases l JOIN nodes n ON n.id = l.node WHERE l.user = ? AND n.beat > ? LIMIT 1',
  activeLease:
    'SELECT 1 FROM leases l JOIN nodes n ON n.id = l.node WHERE l.user = ? AND n.beat > ? AND l.idle = 0 LIMIT 1',
  deadNodes: 'SELECT id, beat FROM nodes WHERE beat <= ?',
  leasesOfNode: 'SELECT user FROM leases WHERE node = ?',
  lastSeen: 'SELECT at FROM last_seen WHERE user = ?',
  person: 'SELECT username, display_name, colour, rev FROM people WHERE id = ?',
  departures: 'SELECT user, messages, at, after FROM departures WHERE done = 0 LIMIT ?',
  // By the key, which grows: one that comes meanwhile comes last.
  conversationsOf: `SELECT k.id FROM inbox i JOIN conversations k ON k.key = i.conversation
    WHERE i.user = ?1 AND i.conversation > coalesce((SELECT key FROM conversations WHERE id = ?2), 0)
    ORDER BY i.conversation LIMIT ?3`,
  conversationByKey: 'SELECT key, id, rev, head_seq, members_rev, state FROM conversations WHERE key = ?',
  // Of searches and their index.
  searchMessage: `SELECT ${MESSAGE}, m.conversation FROM messages m WHERE m.pos = ?`,
  // Of texts that are to be indexed. What disappears has no place in an index, from which it could not be taken out in time.
  searchTexts: `SELECT pos, conversation, hex(substr(sender, 13)), at, text FROM messages
    WHERE pos BETWEEN ? AND ? AND expires IS NULL AND text <> '' ORDER BY pos`,
  // In the order of the log: the plus keeps it from going by conversation.
  searchUnsealed: `SELECT ${MESSAGE}, m.conversation FROM messages m WHERE m.pos BETWEEN ? AND ?
    AND +m.conversation IN (SELECT conversation FROM inbox WHERE user = ? AND gone = 0) ORDER BY m.pos DESC`,
  searchMine: 'SELECT conversation FROM inbox WHERE user = ? AND gone = 0',
  searchTitles: `SELECT k.key, k.state ->> 1 AS title FROM inbox i JOIN conversations k ON k.key = i.conversation
    WHERE i.user = ? AND i.gone = 0`,
  searchFirst: 'SELECT at FROM messages WHERE pos >= ? ORDER BY pos LIMIT 1',
  searchChange: 'SELECT at FROM changes WHERE pos > ? ORDER BY pos LIMIT 1',
} as const

/** Everything the store writes, by name. */
export const WRITES = {
  conversation: `INSERT INTO conversations (key, id, rev, head_seq, members_rev, state) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET rev = excluded.rev, head_seq = excluded.head_seq, members_rev = excluded.members_rev,
    state = excluded.state`,
  // Writes nothing where the id is taken, by a message (the unique index) or by a change.
  message: `INSERT OR IGNORE INTO messages (pos, conversation, seq, rev, members_rev, id, sender, at, hash, text)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE conversation = ?2 AND id = ?6)`,
  messageWithExtras: `INSERT OR IGNORE INTO messages
    (pos, conversation, seq, rev, members_rev, id, sender, at, hash, text, extras, expires)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE conversation = ?2 AND id = ?6)`,
  mention: 'INSERT INTO mentions (user, conversation, seq, sender) VALUES (?, ?, ?, ?)',
  clearMentions: 'DELETE FROM mentions WHERE conversation = ? AND seq = ?',
  change: `INSERT INTO changes (pos, conversation, rev, head_seq, members_rev, id, sender, at, hash, kind, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  conversationRev: 'UPDATE conversations SET rev = ?, head_seq = ? WHERE key = ?',
  messageExtras: 'UPDATE messages SET extras = ? WHERE pos = ?',
  messageText: 'UPDATE messages SET text = ? WHERE pos = ?',
  messageState: `INSERT INTO message_states (conversation, seq, changed_rev, text_rev, text_at, edits, deleted, reactions)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET changed_rev = excluded.changed_rev,
    text_rev = excluded.text_rev, text_at = excluded.text_at, edits = excluded.edits, deleted = excluded.deleted,
    reactions = excluded.reactions`,
  version: 'INSERT INTO versions (conversation, seq, rev, at, text, named) VALUES (?, ?, ?, ?, ?, ?)',
  // Of a deleted message nothing is kept from which its text could be told.
  erasedMessage: `UPDATE messages SET text = '', hash = x'', extras = NULL WHERE pos = ?`,
  erasedVersions: 'DELETE FROM versions WHERE conversation = ? AND seq = ?',
  erasedEdits: `UPDATE changes SET hash = x'' WHERE conversation = ?1 AND kind = 'message.edited' AND rev IN
    (SELECT rev FROM versions WHERE conversation = ?1 AND seq = ?2 UNION ALL SELECT ?3)`,
  erasedState: `UPDATE message_states SET text_rev = NULL, text_at = NULL, edits = 0, reactions = '[]'
    WHERE conversation = ? AND seq = ?`,
  relayed: `UPDATE meta SET value = ? WHERE name = 'relayed'`,
  relayedAhead: 'INSERT OR IGNORE INTO relayed_ahead (pos) VALUES (?)',
  relayedBehind: 'DELETE FROM relayed_ahead WHERE pos <= ?',
  mark: `INSERT INTO marks (conversation, user, delivered, read) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)`,
  settings: `INSERT INTO settings (user, conversation, from_rev, rev, muted_until, archived_seq, pinned, level, draft)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET from_rev = excluded.from_rev, rev = excluded.rev,
    muted_until = excluded.muted_until, archived_seq = excluded.archived_seq, pinned = excluded.pinned,
    level = excluded.level, draft = excluded.draft`,
  own: `INSERT INTO own (user, conversation, seq, rev, starred, hidden) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET rev = excluded.rev, starred = excluded.starred, hidden = excluded.hidden`,
  unstar: 'UPDATE own SET starred = NULL WHERE user = ? AND conversation = ? AND seq = ?',
  inboxRow: `INSERT INTO inbox (user, conversation, stamp, gone) VALUES (?, ?, ?, ?)
    ON CONFLICT (user, conversation) DO UPDATE SET stamp = excluded.stamp, gone = excluded.gone`,
  inboxHead: `INSERT INTO inbox_heads (user, stamp, synced) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET stamp = excluded.stamp, synced = excluded.synced`,
  beat: 'INSERT INTO nodes (id, beat) VALUES (?, ?) ON CONFLICT DO UPDATE SET beat = excluded.beat',
  deadNode: 'DELETE FROM nodes WHERE id = ?',
  lease: `INSERT INTO leases (user, node, socket, idle) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET idle = excluded.idle`,
  endLease: 'DELETE FROM leases WHERE user = ? AND node = ? AND socket = ?',
  endLeasesOfNode: 'DELETE FROM leases WHERE node = ?',
  lastSeen: 'INSERT INTO last_seen (user, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
  person: `INSERT INTO people (id, username, display_name, colour, rev) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET username = excluded.username, display_name = excluded.display_name,
    colour = excluded.colour, rev = excluded.rev WHERE rev <= excluded.rev`,
  // Whatever is heard later has a lower 'rev'.
  nameless: `INSERT INTO people (id, username, rev) VALUES (?1, '', ?2)
    ON CONFLICT DO UPDATE SET username = '', display_name = NULL, colour = NULL, rev = ?2`,
  departure: 'INSERT OR IGNORE INTO departures (user, messages, at) VALUES (?, ?, ?)',
  departureAfter: 'UPDATE departures SET after = ? WHERE user = ?',
  // As many as are named last, by the key that the rows are in the order of.
  forgottenSettings: `DELETE FROM settings WHERE user = ?1 AND conversation IN
    (SELECT conversation FROM settings WHERE user = ?1 LIMIT ?2)`,
  forgottenOwn: `DELETE FROM own WHERE user = ?1 AND (conversation, seq) IN
    (SELECT conversation, seq FROM own WHERE user = ?1 LIMIT ?2)`,
  departureDone: 'UPDATE departures SET done = 1, after = NULL WHERE user = ?',
} as const

/** A prepared read of at most one row. `Row` is what the statement selects. */
export function one<Row>(db: DatabaseSync, read: keyof typeof READS): (...values: SQLInputValue[]) => Row | undefined {
  const statement = db.prepare(READS[read])
  return (...values) => statement.get(...values) as Row | undefined
}

/** A prepared read of all its rows; what it selects is bounded by its own limits. */
export function all<Row>(db: DatabaseSync, read: keyof typeof READS): (...values: SQLInputValue[]) => Row[] {
  const statement = db.prepare(READS[read])
  return (...values) => statement.all(...values) as unknown[] as Row[]
}

/** A prepared write; gives how many rows it touched. */
export function write(db: DatabaseSync, name: keyof typeof WRITES): (...values: SQLInputValue[]) => number {
  const statement = db.prepare(WRITES[name])
  return (...values) => Number(statement.run(...values).changes)
}
