import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readKeys } from '@parley/kit/keys'
import type { Person } from '../person.ts'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const parsed = (text: string | undefined): object => JSON.parse(Buffer.from(text ?? '', 'base64url').toString())
const signed = (body: string, key: KeyObject): string =>
  `${body}.${sign(null, Buffer.from(body), key).toString('base64url')}`

/** What PKCS #8 (RFC 8410) puts before the 32 bytes of an Ed25519 seed. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Access tokens that must not be believed, by what is wrong with them. Some are signed with the system's own key, as only its key file
 * allows: what is in them is wrong nevertheless.
 */
export function badTokens(
  of: Person,
  other: Person,
  keyFile: string,
  publicKey: { x?: string },
): Record<string, string> {
  const [header, claims, signature] = of.token.split('.')
  const seed = readKeys(keyFile, ['signing']).signing
  const own = createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const foreign = generateKeyPairSync('ed25519').privateKey
  const now = Math.floor(Date.now() / 1000)
  const made = (more: object, moreHeader: object = {}, key = own): string =>
    signed(`${part({ ...parsed(header), ...moreHeader })}.${part({ ...parsed(claims), ...more })}`, key)
  const hmac = (secret: string): string => {
    const body = `${part({ ...parsed(header), alg: 'HS256' })}.${claims}`
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
  }
  const none = (alg: string): string => `${part({ ...parsed(header), alg })}.${claims}.`
  return {
    'no JWT': 'nonsense',
    'three dots': '...',
    'bytes that are no base64': `${header}.%%%.${signature}`,
    'no signature': `${header}.${claims}.`,
    'algorithm none': none('none'),
    'algorithm None': none('None'),
    'the public key as a shared secret': hmac(publicKey.x ?? ''),
    'an empty shared secret': hmac(''),
    'a signature of zeros': `${header}.${claims}.${Buffer.alloc(64).toString('base64url')}`,
    'another’s signature': `${header}.${claims}.${other.token.split('.')[2]}`,
    'another’s name in it': `${header}.${part({ ...parsed(claims), sub: other.id })}.${signature}`,
    'a foreign key under our key’s id': made({}, {}, foreign),
    'a foreign key under its own id': made({}, { kid: 'foreign' }, foreign),
    'a key in the token itself': made({}, { jwk: { kty: 'OKP', crv: 'Ed25519', x: publicKey.x } }, foreign),
    ended: made({ iat: now - 2_000, exp: now - 1_000 }),
    'not begun': made({ nbf: now + 1_000 }),
    'no end': made({ exp: undefined }),
    'an end that is no number': made({ exp: 'never' }),
    'another audience': made({ aud: 'elsewhere' }),
    'another issuer': made({ iss: 'elsewhere' }),
    'another type': made({}, { typ: 'rt+jwt' }),
    'no user': made({ sub: undefined }),
    'a user that is an object': made({ sub: { $ne: null } }),
    'no session': made({ sid: undefined }),
    'critical extensions': made({}, { crit: ['b64'], b64: false }),
    'ten thousand claims': made(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i]))).slice(
      0,
      6_000,
    ),
    'a refresh token': of.refreshToken,
  }
}
