import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** A chain of refresh tokens: each is `<sessionId>.<secret>`, and each makes its successor. */
export interface RefreshTokens {
  /** The first of a session. */
  first(sessionId: string): string
  /** The one that follows; always the same, so that a reply that was lost can be given again though only hashes are kept. */
  successor(token: string): string
  /** The session and the hash of a token that was made here, however old; undefined for anything else. Needs no store, so garbage costs nothing and can end no session. */
  read(token: string): { sessionId: string; hash: string } | undefined
}

/** SHA-256, hex: what is kept of a token. It has 256 random bits, so nothing slower is needed. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

const VALUE = 32
const TAG = 16
const FORM = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.([\w-]{64})$/

/** Chains keyed with the `refresh` key. The secret is 32 bytes, first random, then HMAC(key, predecessor), and a tag by which a token of ours is known. */
export function refreshTokens(key: Buffer): RefreshTokens {
  const keyed = (purpose: string, text: string): Buffer =>
    createHmac('sha256', key).update(`${purpose}\0${text}`).digest()
  const tag = (sessionId: string, value: Buffer): Buffer =>
    keyed('tag', `${sessionId}.${value.toString('hex')}`).subarray(0, TAG)
  const token = (sessionId: string, value: Buffer): string =>
    `${sessionId}.${Buffer.concat([value, tag(sessionId, value)]).toString('base64url')}`

  return {
    first: (sessionId) => token(sessionId, randomBytes(VALUE)),
    successor: (before) => token(before.slice(0, before.indexOf('.')), keyed('successor', before)),
    read(given) {
      const [, sessionId, secret] = FORM.exec(given) ?? []
      if (!sessionId || !secret) return undefined
      const bytes = Buffer.from(secret, 'base64url')
      const value = bytes.subarray(0, VALUE)
      if (!timingSafeEqual(bytes.subarray(VALUE), tag(sessionId, value))) return undefined
      return { sessionId, hash: hashToken(given) }
    },
  }
}
