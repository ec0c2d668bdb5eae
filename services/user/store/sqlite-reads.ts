import type { DatabaseSync } from 'node:sqlite'
import type { ControlEntry } from '@parley/protocol/events'
import type { KeepOrErase } from '@parley/protocol/user'
import type { Account, Session } from './store.ts'

type Row = Record<string, unknown>

/** The statements that read, one indexed look-up each; they run beside the writer (WAL). Exported for the test of their plans. */
export const READS = {
  byEmail: 'SELECT * FROM users WHERE email_key = ?',
  byName: 'SELECT * FROM users WHERE name_key = ?',
  byIds: 'SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?))',
  byPrefix: 'SELECT * FROM users WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?',
  unannounced: 'SELECT * FROM users WHERE announced = 0 ORDER BY id LIMIT ?',
  count: 'SELECT count(*) AS n FROM (SELECT 1 FROM users LIMIT ?)',
  session: 'SELECT * FROM sessions WHERE id = ?',
  sessions: 'SELECT * FROM sessions WHERE user_id = ? ORDER BY last_used_at DESC',
  control: 'SELECT * FROM control WHERE n > ? ORDER BY n LIMIT ?',
  head: 'SELECT coalesce(max(n), 0) AS n FROM control',
} as const

/** Prepares every read on `db`. */
export function reads(db: DatabaseSync) {
  const prepared = Object.fromEntries(Object.entries(READS).map(([name, sql]) => [name, db.prepare(sql)]))
  const all = (name: keyof typeof READS, ...values: (string | number)[]): Row[] => prepared[name]!.all(...values)
  return {
    accounts: (name: 'byEmail' | 'byName' | 'byIds' | 'unannounced', value: string | number): Account[] =>
      all(name, value).map(account),
    search: (from: string, below: string, limit: number): Account[] => all('byPrefix', from, below, limit).map(account),
    sessions: (name: 'session' | 'sessions', value: string): Session[] => all(name, value).map(session),
    control: (after: number, limit: number): ControlEntry[] => all('control', after, limit).map(controlEntry),
    number: (name: 'count' | 'head', ...values: number[]): number => Number(all(name, ...values)[0]!.n),
  }
}

const account = (row: Row): Account => ({
  id: String(row.id),
  username: String(row.username),
  nameKey: String(row.name_key),
  email: String(row.email),
  emailKey: String(row.email_key),
  passwordHash: String(row.password_hash),
  createdAt: String(row.created_at),
  ...(row.request_key === null ? {} : { requestKey: String(row.request_key) }),
})

const session = (row: Row): Session => ({
  id: String(row.id),
  userId: String(row.user_id),
  name: String(row.name),
  createdAt: String(row.created_at),
  lastUsedAt: String(row.last_used_at),
  current: String(row.current),
  ...(row.previous === null ? {} : { previous: String(row.previous) }),
  generation: Number(row.generation),
  expiresAt: String(row.expires_at),
  ...(row.place !== null && { place: String(row.place) }),
})

function controlEntry(row: Row): ControlEntry {
  const common = { n: Number(row.n), at: String(row.at), userId: String(row.user_id) }
  if (row.kind === 'user.deleted') return { ...common, kind: 'user.deleted', messages: row.reason as KeepOrErase }
  const reason = row.reason as Extract<ControlEntry, { kind: 'session.revoked' }>['reason']
  return { ...common, kind: 'session.revoked', sessionId: String(row.session_id), reason }
}
