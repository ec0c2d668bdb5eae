import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { Fault } from './fault.ts'
import { bearer } from './token.ts'

/** Lets only services through, which hold the `internal` key. Compares hashes in constant time: neither where a guess differs nor how long the key is can be measured. */
export function holdsKey(key: Buffer): RequestHandler {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(key.toString('base64url'))
  return (req, _res, next) => {
    if (timingSafeEqual(digest(bearer(req)), expected)) return next()
    next(new Fault('auth.invalid', 'That is not the internal key'))
  }
}
