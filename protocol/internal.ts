import type { ControlEntry } from './events.ts'
import type { PublicUser } from './user.ts'

/**
 * What the user service answers to the other services: by call in one process, by HTTP on its internal port otherwise
 * (`GET /internal/users?ids=`, `GET /internal/control?after=&limit=`, `GET /.well-known/jwks.json`).
 */
export interface UserDirectory {
  /** Those of these users (at most 500) who exist. Rejects `unavailable` when it cannot be asked. */
  find(ids: readonly string[]): Promise<PublicUser[]>
  /** The control log after `after`, ascending, at most `limit`, and the head when it was read. */
  control(after: number, limit: number): Promise<{ entries: ControlEntry[]; head: number }>
  /** The keys that access tokens are verified with (RFC 7517). */
  jwks(): Promise<{ keys: JsonWebKey[] }>
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
