import type { ControlEntry } from './events.ts'
import type { Privacy } from './profile.ts'
import type { PublicUser } from './user.ts'

/**
 * What the user service answers to the other services: by call in one process, by HTTP on its internal port otherwise
 * (`GET /internal/users?ids=`, `GET /internal/users/named?username=`, `GET /internal/mailbox?userId=`, `GET /internal/control?after=&limit=`, `GET /internal/blocks?after=&limit=`,
 * `GET /internal/privacy?after=&limit=`, `GET /internal/friends?pairs=`, `GET /.well-known/jwks.json`).
 */
export interface UserDirectory {
  /** Those of these users (at most 500) who exist. Rejects `unavailable` when it cannot be asked. */
  find(ids: readonly string[]): Promise<PublicUser[]>
  /** Who has that user name, compared as names are (`foldName`). Rejects `unavailable` when it cannot be asked. */
  findByName(username: string): Promise<PublicUser | undefined>
  /** Where mail to that user goes; undefined where there is no such user. Rejects `unavailable` when it cannot be asked. */
  mailbox(userId: string): Promise<Mailbox | undefined>
  /** The control log after `after`, ascending, at most `limit`, and the head when it was read. */
  control(after: number, limit: number): Promise<{ entries: ControlEntry[]; head: number }>
  /**
   * Pairs of users of whom one blocks the other, after `after` (what a page before gave as `next`), at most `limit`. `rev` as in
   * `contact.changed`: of two, the higher is true.
   */
  blocks(after: string | undefined, limit: number): Promise<BlocksPage>
  /** Users who keep something back, after `after` (what a page before gave as `next`), at most `limit`. `rev` as in `user.changed`. */
  privacy(after: string | undefined, limit: number): Promise<PrivacyPage>
  /** Of these pairs of users (at most 200), whether they are friends; of strangers nothing is answered. `rev` as in `contact.changed`. */
  friends(pairs: readonly (readonly [string, string])[]): Promise<FriendsItem[]>
  /** The keys that access tokens are verified with (RFC 7517). */
  jwks(): Promise<{ keys: JsonWebKey[] }>
}

/** Whom a mail greets, and where it goes. Never logged. */
export interface Mailbox {
  username: string
  email: string
}

/** Some of all blocks; `next` where there may be more. */
export interface BlocksPage {
  items: { users: [low: string, high: string]; rev: number; by: string[] }[]
  next?: string
}

/** Some of those who keep something back; `next` where there may be more. */
export interface PrivacyPage {
  items: ({ userId: string; rev: number } & Privacy)[]
  next?: string
}

export interface FriendsItem {
  users: [low: string, high: string]
  rev: number
  friends: boolean
}

/** A public key as RFC 7517 writes it. */
export interface JsonWebKey {
  kty: string
  kid?: string
  alg?: string
  use?: string
  crv?: string
  x?: string
  [field: string]: unknown
}
