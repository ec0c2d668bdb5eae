import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { type ContactStore, listKey, listsOf, type Pair } from './contacts.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. `contact_lists` has a row for each list that a pair is in, written with it. */
export const CONTACTS_STEP = `
  CREATE TABLE contacts (
    key TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    told_rev INTEGER NOT NULL,
    sides TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX contacts_untold ON contacts (key) WHERE told_rev < rev;

  CREATE TABLE contact_lists (
    list TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (list, key)
  ) STRICT, WITHOUT ROWID;`

/** The statements that read, one indexed look-up each. */
export const CONTACT_READS = {
  pairs: 'SELECT * FROM contacts WHERE key IN (SELECT value FROM json_each(?))',
  pairsOfList:
    'SELECT contacts.* FROM contact_lists JOIN contacts USING (key) WHERE list = ? AND contact_lists.key > ? ORDER BY contact_lists.key LIMIT ?',
  countOfList: 'SELECT count(*) AS n FROM (SELECT 1 FROM contact_lists WHERE list = ? LIMIT ?)',
  untoldPairs: 'SELECT * FROM contacts WHERE told_rev < rev LIMIT ?',
} as const

/** The writes, for the writer's thread. */
export function contactWrites(db: DatabaseSync) {
  const find = db.prepare('SELECT * FROM contacts WHERE key = ?')
  const put = db.prepare(
    `INSERT INTO contacts (key, rev, told_rev, sides) VALUES (?, ?, 0, ?)
     ON CONFLICT (key) DO UPDATE SET rev = excluded.rev, sides = excluded.sides`,
  )
  const leave = db.prepare('DELETE FROM contact_lists WHERE list = ? AND key = ?')
  const enter = db.prepare('INSERT OR IGNORE INTO contact_lists VALUES (?, ?)')
  const tell = db.prepare('UPDATE contacts SET told_rev = max(told_rev, ?) WHERE key = ?')

  return {
    saveContact(pair: Pair): boolean {
      const row = find.get(pair.key)
      const before = row && pairOf(row)
      if ((before?.rev ?? 0) !== pair.rev - 1) return false
      put.run(pair.key, pair.rev, JSON.stringify({ low: pair.low, high: pair.high }))
      for (const list of before ? listsOf(pair.key, before) : []) leave.run(list, pair.key)
      for (const list of listsOf(pair.key, pair)) enter.run(list, pair.key)
      return true
    },
    contactsTold(pairs: readonly { key: string; rev: number }[]): void {
      for (const { key, rev } of pairs) tell.run(rev, key)
    },
  }
}

/** The contacts in the file that `db` reads and `writer` writes. */
export function sqliteContacts(db: DatabaseSync, write: Write<Writes>): ContactStore {
  const pairs = db.prepare(CONTACT_READS.pairs)
  const pairsOfList = db.prepare(CONTACT_READS.pairsOfList)
  const countOfList = db.prepare(CONTACT_READS.countOfList)
  const untoldPairs = db.prepare(CONTACT_READS.untoldPairs)
  return {
    find: async (keys) => pairs.all(JSON.stringify(keys)).map(pairOf),
    save: (pair) => write('saveContact', pair),
    list: async (userId, list, after = '', limit) => pairsOfList.all(listKey(userId, list), after, limit).map(pairOf),
    count: async (userId, list, atMost) => Number(countOfList.get(listKey(userId, list), atMost)!.n),
    untold: async (limit) => untoldPairs.all(limit).map(pairOf),
    told: (told) => write('contactsTold', told),
  }
}

function pairOf(row: Record<string, unknown>): Pair {
  const { low, high } = JSON.parse(String(row.sides)) as Pick<Pair, 'low' | 'high'> // as `saveContact` wrote it
  return { key: String(row.key), rev: Number(row.rev), low, high, toldRev: Number(row.told_rev) }
}
