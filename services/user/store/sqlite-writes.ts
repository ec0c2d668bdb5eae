import type { DatabaseSync } from 'node:sqlite'
import type { StoredSecurityEvent } from './security.ts'
import { contactWrites } from './sqlite-contacts.ts'
import { deletionWrites } from './sqlite-deletions.ts'
import { mailWrites } from './sqlite-mail.ts'
import { profileWrites } from './sqlite-profiles.ts'
import { securityWrites } from './sqlite-security.ts'
import type { Account, EmailChange, PasswordChange, RevokeReason, Rotation, Session } from './store.ts'

/** The writes, each atomic within the transaction that is open on `db`. Run by the writer's thread only. */
export function writes(db: DatabaseSync) {
  const nameTaken = db.prepare('SELECT 1 FROM users WHERE name_key = ?')
  const emailTaken = db.prepare('SELECT 1 FROM users WHERE email_key = ?')
  const addUser = db.prepare('INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)')
  const announce = db.prepare('UPDATE users SET announced = 1 WHERE id IN (SELECT value FROM json_each(?))')
  const setPassword = db.prepare('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?')
  const setEmail = db.prepare('UPDATE users SET email = ?, email_key = ? WHERE id = ?')
  const otherEmail = db.prepare('SELECT 1 FROM users WHERE email_key = ? AND id <> ?')
  const otherSessions = db.prepare('SELECT id FROM sessions WHERE user_id = ? AND id IS NOT ?')
  const addSession = db.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const rotate = db.prepare(
    `UPDATE sessions SET current = ?, previous = ?, last_used_at = ?, expires_at = ?, place = coalesce(?, place), generation = generation + 1
     WHERE id = ? AND generation = ?`,
  )
  const rename = db.prepare('UPDATE sessions SET name = ? WHERE id = ? AND user_id = ?')
  const endSession = db.prepare('DELETE FROM sessions WHERE id = ? AND user_id = ?')
  const log = db.prepare(
    `INSERT INTO control (n, at, kind, user_id, session_id, reason)
     VALUES ((SELECT coalesce(max(n), 0) + 1 FROM control), ?, 'session.revoked', ?, ?, ?)`,
  )
  const purge = db.prepare('DELETE FROM sessions WHERE expires_at < ?')
  const check = db.prepare('INSERT OR REPLACE INTO checks VALUES (1, ?)')
  const now = (): string => new Date().toISOString()
  const mail = mailWrites(db)
  const security = securityWrites(db)

  function revoke(userId: string, id: string, reason: RevokeReason, event?: StoredSecurityEvent): boolean {
    if (endSession.run(id, userId).changes === 0) return false
    log.run(now(), userId, id, reason)
    security.note(event)
    return true
  }

  return {
    addAccount(a: Account): 'added' | 'name.taken' | 'email.taken' {
      if (nameTaken.get(a.nameKey)) return 'name.taken'
      if (emailTaken.get(a.emailKey)) return 'email.taken'
      addUser.run(a.id, a.username, a.nameKey, a.email, a.emailKey, a.passwordHash, a.createdAt, a.requestKey ?? null)
      return 'added'
    },
    setPassword(id: string, { before, after, keep, event, ...withMail }: PasswordChange): boolean {
      if (!mail.mayUse(id, 'password', withMail.ticket)) return false
      if (setPassword.run(after, id, before).changes === 0) return false
      mail.settleMail(id, withMail)
      security.note(event)
      for (const session of otherSessions.all(id, keep ?? null)) revoke(id, String(session.id), 'password')
      return true
    },
    setEmail(id: string, { email, emailKey, event, ...withMail }: EmailChange): 'changed' | 'email.taken' | 'over' {
      if (!mail.mayUse(id, 'email', withMail.ticket)) return 'over'
      if (otherEmail.get(emailKey, id)) return 'email.taken'
      setEmail.run(email, emailKey, id)
      mail.settleMail(id, withMail)
      security.note(event)
      return 'changed'
    },
    announced(ids: readonly string[]): void {
      announce.run(JSON.stringify(ids))
    },
    addSession(s: Session, event?: StoredSecurityEvent): void {
      const { id, userId, name, createdAt, lastUsedAt, current, previous, generation, expiresAt, place } = s
      addSession.run(
        id,
        userId,
        name,
        createdAt,
        lastUsedAt,
        current,
        previous ?? null,
        generation,
        expiresAt,
        place ?? null,
      )
      security.note(event)
    },
    rotate(id: string, generation: number, next: Rotation): boolean {
      return (
        rotate.run(next.current, next.previous, next.lastUsedAt, next.expiresAt, next.place ?? null, id, generation)
          .changes === 1
      )
    },
    rename(userId: string, id: string, name: string): boolean {
      return rename.run(name, id, userId).changes === 1
    },
    revoke,
    purge(before: string): void {
      purge.run(before)
    },
    check(): void {
      check.run(now())
    },
    ...contactWrites(db),
    ...mail.writes,
    ...profileWrites(db),
    ...deletionWrites(db),
    ...security.writes,
  }
}

export type Writes = ReturnType<typeof writes>
