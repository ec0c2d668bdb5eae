/**
 * What is kept of accounts, for who has to find out later what happened. `account.*`, `password.*` and `email.changed` as their names say;
 * `session.started`: a device has logged in, other than the log-in after a registration; `session.reused`: an old refresh token was used;
 * `session.revoked`: a session is over, for a `reason`; `device.moved`: one that is pushed to is `toUserId`'s now; `address.suspended`: a
 * mail server has said that nobody is at the account's address.
 */
export const AUDIT_KINDS = [
  'account.registered',
  'account.deleted',
  'session.started',
  'session.reused',
  'session.revoked',
  'password.changed',
  'password.reset',
  'email.changed',
  'device.moved',
  'address.suspended',
] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** Something that happened to an account. Ids and times alone, and `place`: no name, no address, nothing that anybody wrote. */
export interface AuditEntry {
  /** Made of its cause, so that one cause is one entry, however often it comes: begins with the kind. */
  id: string
  /** When it happened. */
  at: number
  kind: AuditKind
  /** The account. */
  userId: string
  sessionId?: string
  /** Of `session.revoked`: why. */
  reason?: 'logout' | 'revoked' | 'reused' | 'password'
  /** Of `device.moved`: whose it is since. */
  toUserId?: string
  /** The network it came from (/24, or /48 of IPv6). It goes with the account. */
  place?: string
}

/** Where a page begins: behind this. */
export type AuditPosition = Pick<AuditEntry, 'at' | 'id'>

export interface AuditFilter {
  userId?: string
  kind?: AuditKind
  /** From then on. */
  after?: number
  before?: AuditPosition
}

/** A list to which entries are only added, and from which only old ones are taken. */
export interface AuditStore {
  /**
   * Adds it, if it is not there: whether it was not. With `account.deleted` the place goes from all entries of that account, from those
   * too that come after it.
   */
  note(entry: AuditEntry): Promise<boolean>
  /** The latest first, of the same time by `id` descending. */
  list(filter: AuditFilter, limit: number): Promise<AuditEntry[]>
  /** Removes up to `limit` from before `before`, the oldest first; how many it were. */
  purge(before: number, limit: number): Promise<number>
}

/** Of an account there is one. */
export const deletedIdOf = (userId: string): string => `account.deleted/${userId}`
