import type { ControlEntry } from '@parley/protocol/events'
import type { ContactStore } from './contacts.ts'
import type { DeletionStore } from './deletions.ts'
import type { MailStore, WithMail } from './mail.ts'
import type { ProfileStore } from './profiles.ts'
import type { SecurityStore, StoredSecurityEvent } from './security.ts'

/**
 * What the user service keeps. Two implementations (`sqlite.ts`, `mongo.ts`), one contract suite (`store.contract.ts`).
 * Each method is one atomic step, durable when it resolves, among any number of processes. Rejects `unavailable` (retryable) when the store cannot say that;
 * with any other error where it could never be.
 */
export interface UserStore extends AsyncDisposable {
  readonly users: AccountStore
  readonly sessions: SessionStore
  readonly control: ControlStore
  readonly contacts: ContactStore
  readonly mail: MailStore
  readonly profiles: ProfileStore
  readonly deletions: DeletionStore
  readonly security: SecurityStore
  /** Resolves when the store can commit now; rejects `unavailable`. */
  check(): Promise<void>
}

export interface Account {
  /** UUIDv7. */
  id: string
  username: string
  /** The form by which names are the same (`foldName`); unique. */
  nameKey: string
  /** As given, trimmed; shown to its owner. */
  email: string
  /** The form by which addresses are the same (`foldEmail`); unique. */
  emailKey: string
  passwordHash: string
  createdAt: string
  /** SHA-256 of the `Idempotency-Key` it was registered with, if any, hex. */
  requestKey?: string
}

export interface AccountStore {
  /** Adds it with both keys unique, also under concurrent calls; or says which is taken (the name first) and adds nothing. */
  add(account: Account): Promise<'added' | 'name.taken' | 'email.taken'>
  findByEmail(emailKey: string): Promise<Account | undefined>
  findByName(nameKey: string): Promise<Account | undefined>
  /** Those whose `nameKey` begins with `prefix` and comes after `after`, by `nameKey` in the order of its code points. */
  search(prefix: string, after: string | undefined, limit: number): Promise<Account[]>
  /** Those of them (at most 500) who exist, in no promised order. */
  find(ids: readonly string[]): Promise<Account[]>
  /**
   * Puts `after` in the place of the hash `before`, and ends the user's sessions but `keep` as `revoke` does (reason `password`):
   * both, or (healed by any process) soon both. Resolves when all of it is durable; false, and nothing is done, where the hash is not
   * `before` or the ticket, of the kind `password`, is not good.
   */
  setPassword(id: string, change: PasswordChange): Promise<boolean>
  /** Resolves when nothing of an earlier change is under way: what a process left that died in it is finished. */
  settle(id: string): Promise<void>
  /**
   * Makes the ticket's address the account's, unique also under concurrent calls. `over` where the ticket is not good, and
   * `email.taken` where another account has the address by now: then nothing is done.
   */
  setEmail(id: string, change: EmailChange): Promise<'changed' | 'email.taken' | 'over'>
  /** Accounts registered and not yet announced on the bus, in no promised order. */
  unannounced(limit: number): Promise<Account[]>
  announced(ids: readonly string[]): Promise<void>
  /** How many there are, counted no further than `atMost`. */
  count(atMost: number): Promise<number>
}

/** From where (inclusive) to where (exclusive) a search by prefix goes. No name has a control character, so one of them says "the next". */
export const nameRange = (prefix: string, after: string | undefined): [string, string] => [
  after === undefined ? prefix : `${after}\u0001`,
  `${prefix}\u{10ffff}`,
]

export interface PasswordChange extends WithMail {
  before: string
  after: string
  /** The session that goes on. */
  keep?: string
  /** Stored with it, to be told. */
  event?: StoredSecurityEvent
}

export interface EmailChange extends Required<WithMail> {
  email: string
  emailKey: string
  /** Stored with it, to be told. */
  event?: StoredSecurityEvent
}

/** A log-in of one device, with its chain of refresh tokens. Only hashes of tokens are kept. */
export interface Session {
  id: string
  userId: string
  name: string
  createdAt: string
  lastUsedAt: string
  /** Where that was, as `placeOf` tells it. Unknown for what began before places were kept. */
  place?: string
  /** SHA-256 of the refresh token that is good now, of the one before it (good until `current` was used once), hex. */
  current: string
  previous?: string
  /** Counts rotations; a compare-and-set field. */
  generation: number
  /** From then on it is as good as gone, and may be purged. */
  expiresAt: string
}

/** What moves a chain of refresh tokens on. */
export type Rotation = Required<Pick<Session, 'current' | 'previous' | 'lastUsedAt' | 'expiresAt'>> &
  Pick<Session, 'place'>

export type RevokeReason = Extract<ControlEntry, { kind: 'session.revoked' }>['reason']

/** A revoked session is in none of these answers, whether or not its row is there still. One past its end may be. */
export interface SessionStore {
  /** With `event`, to be told: never the session without it. */
  add(session: Session, event?: StoredSecurityEvent): Promise<void>
  find(id: string): Promise<Session | undefined>
  /** All of a user, latest use first. */
  list(userId: string): Promise<Session[]>
  /** Moves the chain on if it still is at `generation` and not revoked; false if another did, or it is over. */
  rotate(id: string, generation: number, next: Rotation): Promise<boolean>
  rename(userId: string, id: string, name: string): Promise<boolean>
  /**
   * Ends the session and appends to the control log, both or neither visible: a session that reads as revoked is, or is about
   * to be (healed by any process), in the control log; it resolves only when both are durable. False if it is no live session of that user.
   * `event` is stored with it, to be told.
   */
  revoke(userId: string, id: string, reason: RevokeReason, event?: StoredSecurityEvent): Promise<boolean>
  /** Forgets the sessions that ended before `now`. */
  purge(now: string): Promise<void>
}

export interface ControlStore {
  /** Entries with n > `after`, ascending, dense, at most `limit`; n is never readable before n-1. */
  read(after: number, limit: number): Promise<ControlEntry[]>
  head(): Promise<number>
}
