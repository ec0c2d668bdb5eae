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

/** Verifies with the keys that `jwks` gives; asks again, at most every 10 s, when a token names a key it does not know. */
export function openVerifier(jwks: () => Promise<{ keys: JsonWebKey[] }>, now: () => number = Date.now): Verifier {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  // Verified tokens, so that a client's next request costs no signature check. Bounded; the oldest goes first.
  const seen = new Map<string, Actor>()

  async function load(): Promise<void> {
    askedAt = now()
    keys = createLocalJWKSet((await jwks()) as JSONWebKeySet)
  }

  async function check(token: string): Promise<Actor> {
    if (!keys) await load()
    const { payload } = await jwtVerify(token, keys!, {
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      typ: TOKEN_TYPE,
      algorithms: ['EdDSA'],
      clockTolerance: 5,
      requiredClaims: ['sub', 'sid', 'exp', 'name'],
      currentDate: new Date(now()),
    })
    return {
      userId: String(payload.sub),
      username: String(payload.name),
      sessionId: String(payload.sid),
      expiresAt: payload.exp! * 1000,
    }
  }

  return {
    async verify(token) {
      if (token.length > 4096) throw new Fault('auth.invalid', 'The access token is not valid')
      const known = seen.get(token)
      if (known) {
        if (known.expiresAt > now()) return known
        seen.delete(token)
        throw new Fault('auth.expired', 'The access token has ended: refresh it')
      }
      try {
        const actor = await check(token).catch((error) => {
          if (!(error instanceof errors.JWKSNoMatchingKey) || now() - askedAt < 10_000) throw error
          return load().then(() => check(token))
        })
        if (seen.size >= 10_000) seen.delete(seen.keys().next().value!)
        seen.set(token, actor)
        return actor
      } catch (error) {
        if (error instanceof Fault) throw error
        if (error instanceof errors.JWTExpired)
          throw new Fault('auth.expired', 'The access token has ended: refresh it')
        if (error instanceof errors.JOSEError) throw new Fault('auth.invalid', 'The access token is not valid')
        throw error
      }
    },
  }
}

/** The bearer token of a request (RFC 6750: the header only, never the query). Throws `auth.invalid` without one. */
export function bearer(req: Request): string {
  const [scheme, token, more] = (req.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token || more)
    throw new Fault('auth.invalid', 'Sign in: an access token is needed')
  return token
}
