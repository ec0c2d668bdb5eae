import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { JsonWebKey } from '@parley/protocol/internal'
import type { Request } from 'express'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { bearer, openVerifier, TOKEN_AUDIENCE, TOKEN_ISSUER, TOKEN_TYPE } from './token.ts'

const START = Date.parse('2026-06-01T00:00:00Z')
const invalid = { code: 'auth.invalid' }
const expired = { code: 'auth.expired' }

interface Key {
  kid: string
  jwk: JsonWebKey
  privateKey: CryptoKey
}

async function makeKey(alg = 'EdDSA'): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const bare = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(bare)
  return { kid, privateKey, jwk: { ...bare, kty: bare.kty!, kid, alg, use: 'sig' } as JsonWebKey }
}

const claims = (some: JWTPayload = {}): JWTPayload => ({
  iss: TOKEN_ISSUER,
  aud: TOKEN_AUDIENCE,
  sub: randomUUID(),
  sid: randomUUID(),
  name: 'ann',
  iat: START / 1000,
  exp: START / 1000 + 900,
  ...some,
})

const sign = (key: Key, payload: JWTPayload, header: object = {}): Promise<string> =>
  new SignJWT(payload)
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: TOKEN_TYPE, ...header })
    .sign(key.privateKey)

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token of ours says who asks', async () => {
  const key = await makeKey()
  const verifier = openVerifier(
    async () => ({ keys: [key.jwk] }),
    () => START,
  )
  const payload = claims()
  assert.deepEqual(await verifier.verify(await sign(key, payload)), {
    userId: payload.sub,
    username: 'ann',
    sessionId: payload.sid,
    expiresAt: START + 900_000,
  })
})

test('a token ends by its time, the first time it is seen and the next', async () => {
  const key = await makeKey()
  let now = START
  const verifier = openVerifier(
    async () => ({ keys: [key.jwk] }),
    () => now,
  )
  const token = await sign(key, claims())
  await verifier.verify(token)
  now += 904_000
  await verifier.verify(token)
  now += 1_000
  await assert.rejects(verifier.verify(token), expired)
  await assert.rejects(verifier.verify(token), expired)
  await assert.rejects(verifier.verify(await sign(key, claims())), expired)
})

test('a token that is not exactly what we sign is refused', async () => {
  const key = await makeKey()
  const other = await makeKey()
  const ec = await makeKey('ES256')
  const verifier = openVerifier(
    async () => ({ keys: [key.jwk, ec.jwk] }),
    () => START,
  )
  const good = await sign(key, claims())
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const hs256 = `${base64({ alg: 'HS256', typ: TOKEN_TYPE, kid: key.kid })}.${payload}`
  const withSecret = (secret: string): string =>
    `${hs256}.${createHmac('sha256', secret).update(hs256).digest('base64url')}`
  const tokens: Record<string, string> = {
    'alg none': `${base64({ alg: 'none', typ: TOKEN_TYPE })}.${payload}.`,
    'alg None': `${base64({ alg: 'None', typ: TOKEN_TYPE, kid: key.kid })}.${payload}.${signature}`,
    'HS256 with the public key': withSecret(String(key.jwk.x)),
    'HS256 with the whole public key': withSecret(JSON.stringify(key.jwk)),
    'another algorithm of ours': await sign(ec, claims(), { alg: 'ES256' }),
    'ES256 of zeros': `${base64({ alg: 'ES256', typ: TOKEN_TYPE, kid: ec.kid })}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'a foreign key': await sign(other, claims()),
    'a foreign key under our id': await sign({ ...other, kid: key.kid }, claims()),
    'a key that it brings along': await sign(other, claims(), { jwk: other.jwk }),
    'wrong audience': await sign(key, claims({ aud: 'elsewhere' })),
    'wrong issuer': await sign(key, claims({ iss: 'elsewhere' })),
    'wrong type': await sign(key, claims(), { typ: 'JWT' }),
    'no type': await sign(key, claims(), { typ: undefined }),
    'no end': await sign(key, claims({ exp: undefined })),
    'no subject': await sign(key, claims({ sub: undefined })),
    'no session': await sign(key, claims({ sid: undefined })),
    'a session that is no text': await sign(key, claims({ sid: { $ne: null } })),
    'another payload': `${header}.${base64(claims({ name: 'root' }))}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'four parts': `${good}.${signature}`,
    'no base64': `${header}.%%%.${signature}`,
    'duplicate keys': `${Buffer.from('{"alg":"EdDSA","alg":"none"}').toString('base64url')}.${payload}.${signature}`,
    'a refresh token': `${randomUUID()}.${'x'.repeat(64)}`,
    nothing: '',
    'a million characters': `${header}.${'x'.repeat(1_000_000)}.${signature}`,
    'ten thousand claims': await sign(
      key,
      claims(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i]))),
    ),
  }
  for (const [what, token] of Object.entries(tokens)) await assert.rejects(verifier.verify(token), invalid, what)
  assert.equal((await verifier.verify(good)).username, 'ann')
})

test('a new key is found when a token names it, and unknown ones cannot make us ask all the time', async () => {
  const [old, fresh, foreign] = [await makeKey(), await makeKey(), await makeKey()]
  let now = START
  let asked = 0
  let keys = [old.jwk]
  const verifier = openVerifier(
    async () => {
      asked++
      return { keys }
    },
    () => now,
  )
  await verifier.verify(await sign(old, claims()))
  keys = [old.jwk, fresh.jwk]
  now += 10_000
  assert.equal((await verifier.verify(await sign(fresh, claims()))).username, 'ann')
  assert.equal(asked, 2)
  for (let i = 0; i < 50; i++) await assert.rejects(verifier.verify(await sign(foreign, claims())), invalid)
  assert.equal(asked, 2)
})

test('a key taken out of use is not believed for ever, and a key service that is away stops nobody', async () => {
  const [old, fresh] = [await makeKey(), await makeKey()]
  let now = START
  let keys: JsonWebKey[] | undefined = [old.jwk]
  const verifier = openVerifier(
    async () => {
      if (!keys) throw new Error('connection refused')
      return { keys }
    },
    () => now,
  )
  const token = await sign(old, claims({ exp: START / 1000 + 3_600 }))
  await verifier.verify(token)
  keys = undefined
  now += 601_000
  assert.equal((await verifier.verify(token)).username, 'ann')
  keys = [fresh.jwk]
  now += 10_000
  await assert.rejects(verifier.verify(token), invalid)
})

test('without any keys the answer is "not now", and it is asked for once however many wait', async () => {
  const key = await makeKey()
  let asked = 0
  let away = true
  const verifier = openVerifier(
    async () => {
      asked++
      if (away) throw new Error('connection refused')
      return { keys: [key.jwk] }
    },
    () => START,
  )
  const token = await sign(key, claims())
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => verifier.verify(token)))
  for (const outcome of outcomes) assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'unavailable')
  assert.equal(asked, 1)
  away = false
  assert.equal((await verifier.verify(token)).username, 'ann')
})

test('a bearer token is taken from its header only, in its exact form', () => {
  const request = (authorization?: string): Request =>
    ({ headers: { authorization }, query: { token: 'x' } }) as unknown as Request
  assert.equal(bearer(request('Bearer abc.def')), 'abc.def')
  assert.equal(bearer(request('bearer abc')), 'abc')
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'abc', 'Bearer a b', 'Bearer  a'])
    assert.throws(() => bearer(request(header)), invalid, header)
})
