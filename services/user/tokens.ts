import { createPrivateKey, createPublicKey } from 'node:crypto'
import { TOKEN_AUDIENCE, TOKEN_ISSUER, TOKEN_TYPE } from '@parley/kit/token'
import type { JsonWebKey } from '@parley/protocol/internal'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import type { Account } from './store/store.ts'

export interface Tokens {
  /** An access token of that user's session, and when it ends. */
  issue(account: Account, sessionId: string): Promise<{ token: string; expiresAt: string }>
  /** The public keys that verify them (RFC 7517). */
  jwks(): { keys: JsonWebKey[] }
}

/** What PKCS #8 (RFC 8410) puts before the 32 bytes of an Ed25519 seed. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Signs with the Ed25519 key that `seed` (32 bytes, the `signing` key) makes, so that every process with the key file has the same key under the same id. */
export async function openTokens(seed: Buffer, lifetimeMs: number, now: () => number): Promise<Tokens> {
  const privateKey = createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint({ kty: kty!, crv: crv!, x: x! })
  const keys = [{ kty: kty!, crv: crv!, x: x!, kid, alg: 'EdDSA', use: 'sig' }]
  return {
    async issue(account, sessionId) {
      // Whole seconds, as `exp` has them, so that what the client is told is what verifiers see.
      const ends = Math.floor((now() + lifetimeMs) / 1000)
      const token = await new SignJWT({ sid: sessionId, name: account.username })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: TOKEN_TYPE })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject(account.id)
        .setIssuedAt(Math.floor(now() / 1000))
        .setExpirationTime(ends)
        .sign(privateKey)
      return { token, expiresAt: new Date(ends * 1000).toISOString() }
    },
    jwks: () => ({ keys }),
  }
}
