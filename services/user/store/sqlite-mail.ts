import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import {
  type AskedAs,
  LETTER_OF,
  type Letter,
  type MailStore,
  NOTICES_AT_MOST,
  type Ticket,
  type WithMail,
} from './mail.ts'
import type { Writes } from './sqlite-writes.ts'
import type { Account } from './store.ts'

/** A new step of the schema. */
export const MAIL_STEP = `
  CREATE TABLE tickets (
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    email TEXT,
    email_key TEXT,
    spent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tickets_end ON tickets (expires_at);

  CREATE TABLE letters (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    letter TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX letters_user ON letters (user_id, kind, at);`

/** The statements that read; what waits to be told is a table of nothing else. */
export const MAIL_READS = {
  ticket: 'SELECT * FROM tickets WHERE user_id = ? AND kind = ?',
  letters: 'SELECT letter FROM letters LIMIT ?',
} as const

/** The writes, for the writer's thread. */
export function mailWrites(db: DatabaseSync) {
  const asAsked = db.prepare(
    'SELECT 1 FROM users WHERE id = ? AND password_hash = coalesce(?, password_hash) AND email_key = coalesce(?, email_key)',
  )
  const grant = db.prepare(
    'INSERT OR REPLACE INTO tickets (user_id, kind, id, expires_at, email, email_key) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const good = db.prepare(
    'SELECT 1 FROM tickets WHERE user_id = ? AND kind = ? AND id = ? AND spent = 0 AND expires_at > ?',
  )
  const spend = db.prepare('UPDATE tickets SET spent = 1 WHERE user_id = ? AND id = ?')
  const void_ = db.prepare('DELETE FROM tickets WHERE user_id = ? AND id IS NOT ?')
  const unwrite = db.prepare('DELETE FROM letters WHERE user_id = ? AND kind = ?')
  const write = db.prepare('INSERT OR IGNORE INTO letters (id, user_id, kind, at, letter) VALUES (?, ?, ?, ?, ?)')
  const oldest = db.prepare(
    `DELETE FROM letters WHERE user_id = ?1 AND id NOT IN
       (SELECT id FROM letters WHERE user_id = ?1 ORDER BY at DESC LIMIT ${NOTICES_AT_MOST})`,
  )
  const tell = db.prepare('DELETE FROM letters WHERE id = ?')
  const purge = db.prepare('DELETE FROM tickets WHERE expires_at < ?')

  function writeLetter(letter: Letter): void {
    write.run(letter.id, letter.userId, letter.kind, letter.at, JSON.stringify(letter))
    oldest.run(letter.userId)
  }

  return {
    /** Whether that ticket may be used. */
    mayUse: (userId: string, kind: Ticket['kind'], ticket: WithMail['ticket']): boolean =>
      ticket === undefined || good.get(userId, kind, ticket.id, ticket.at) !== undefined,

    /** What goes with a change of the account: see `WithMail`. */
    settleMail(userId: string, { ticket, notice }: WithMail): void {
      if (ticket) spend.run(userId, ticket.id)
      void_.run(userId, ticket?.id ?? null)
      for (const kind of Object.values(LETTER_OF)) unwrite.run(userId, kind)
      if (notice) writeLetter(notice)
    },

    writes: {
      grantTicket({ userId, kind, id, expiresAt, email, emailKey }: Ticket, letter: Letter, as: AskedAs): boolean {
        const { passwordHash = null, emailKey: mailed = null } = as as Partial<Account>
        if (!asAsked.get(userId, passwordHash, mailed)) return false
        grant.run(userId, kind, id, expiresAt, email ?? null, emailKey ?? null)
        unwrite.run(userId, letter.kind)
        writeLetter(letter)
        return true
      },
      lettersTold(letters: readonly Letter[]): void {
        for (const { id } of letters) tell.run(id)
      },
      purgeTickets(before: string): void {
        purge.run(before)
      },
    },
  }
}

/** The mail in the file that `db` reads and `write` writes. */
export function sqliteMail(db: DatabaseSync, write: Write<Writes>): MailStore {
  const ticket = db.prepare(MAIL_READS.ticket)
  const letters = db.prepare(MAIL_READS.letters)
  return {
    grant: (granted, letter, as) => write('grantTicket', granted, letter, as),
    find: async (userId, kind) => ticketOf(ticket.get(userId, kind)),
    // As `writeLetter` wrote them.
    untold: async (limit) => letters.all(limit).map(({ letter }) => JSON.parse(String(letter)) as Letter),
    told: (told) => write('lettersTold', told),
    purge: (now) => write('purgeTickets', now),
  }
}

function ticketOf(row: Record<string, unknown> | undefined): Ticket | undefined {
  return (
    row && {
      userId: String(row.user_id),
      kind: row.kind as Ticket['kind'],
      id: String(row.id),
      expiresAt: String(row.expires_at),
      ...(row.email !== null && { email: String(row.email), emailKey: String(row.email_key) }),
      ...(row.spent === 1 && { spent: true as const }),
    }
  )
}
