import type { JsonWebKey } from '@parley/protocol/internal'
import type { Request } from 'express'
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { Fault } from './fault.ts'

/** Who asks, as the access token says. */
export interface Actor {
  userId: string
  username: string
  sessionId: string
  /** When the token ends, in milliseconds since the epoch. */
  expiresAt: number
}

export const TOKEN_ISSUER = 'parley'
export const TOKEN_AUDIENCE = 'parley'
export const TOKEN_TYPE = 'at+jwt'

export interface Verifier {
  /** The actor of an access token (RFC 8725, RFC 9068). Throws `auth.expired`, or `auth.invalid` for anything else; `unavailable` when no keys can be had. Says nothing of revocation. */
  verify(token: string): Promise<Actor>
}

/** Clocks of two machines may differ by this much. */
const TOLERANCE_S = 5
/** Keys are asked for again after this time, so that a key taken out of use stops being believed. */
const KEYS_AGE_MS = 600_000
/** The least time between two questions for keys; a token with an unknown key cannot cause more. */
const ASK_EVERY_MS = 10_000
/** Verified tokens remembered, so that a client's next request costs no signature check. The oldest goes first. */
const REMEMBERED = 10_000

/** Verifies with the keys that `jwks` gives; asks again when they are old, or when a token names a key it does not know. */
export function openVerifier(jwks: () => Promise<{ keys: JsonWebKey[] }>, now: () => number = Date.now): Verifier {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let loadedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<void> | undefined
  const seen = new Map<string, Actor>()

  /** One question at a time, whoever asks. */
  function load(): Promise<void> {
    loading ??= ask().finally(() => {
      loading = undefined
    })
    return loading
  }

  async function ask(): Promise<void> {
    askedAt = now()
    try {
      keys = createLocalJWKSet((await jwks()) as JSONWebKeySet)
      loadedAt = now()
      seen.clear()
    } catch (cause) {
      throw new Fault('unavailable', 'Access tokens cannot be checked for the moment', { cause, retryAfterMs: 1_000 })
    }
  }

  const mayAsk = (): boolean => now() - askedAt >= ASK_EVERY_MS

  async function check(token: string): Promise<Actor> {
    if (!keys) await load()
    // Keys that are merely old still serve when they cannot be asked for: the user service may be away, the users are not.
    else if (now() - loadedAt > KEYS_AGE_MS && mayAsk()) await load().catch(() => {})
    try {
      return await checkWith(keys!, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAsk()) throw error
      await load()
      return checkWith(keys!, token)
    }
  }

  async function checkWith(by: NonNullable<typeof keys>, token: string): Promise<Actor> {
    const { payload } = await jwtVerify(token, by, {
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      typ: TOKEN_TYPE,
      algorithms: ['EdDSA'],
      clockTolerance: TOLERANCE_S,
      requiredClaims: ['sub', 'sid', 'exp', 'name'],
      currentDate: new Date(now()),
    })
    const { sub, name, sid, exp } = payload
    if (typeof sub !== 'string' || typeof name !== 'string' || typeof sid !== 'string') throw invalid()
    return { userId: sub, username: name, sessionId: sid, expiresAt: exp! * 1000 }
  }

  return {
    async verify(token) {
      if (token.length > 4096) throw invalid()
      const known = seen.get(token)
      if (known && now() - loadedAt <= KEYS_AGE_MS) {
        if (known.expiresAt + TOLERANCE_S * 1000 > now()) return known
        seen.delete(token)
        throw expired()
      }
      try {
        const actor = await check(token)
        if (seen.size >= REMEMBERED) seen.delete(seen.keys().next().value!)
        seen.set(token, actor)
        return actor
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw expired()
        if (error instanceof errors.JOSEError) throw invalid()
        throw error
      }
    },
  }
}

const invalid = (): Fault => new Fault('auth.invalid', 'The access token is not valid')
const expired = (): Fault => new Fault('auth.expired', 'The access token has ended: refresh it')

/** The bearer token of a request (RFC 6750: the header only, never the query). Throws `auth.invalid` without one. */
export function bearer(req: Request): string {
  const [scheme, token, more] = (req.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token || more)
    throw new Fault('auth.invalid', 'Sign in: an access token is needed')
  return token
}
