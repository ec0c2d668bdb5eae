import { createHmac } from 'node:crypto'
import { hash, verify } from '@node-rs/bcrypt'
import { Fault } from '@parley/kit/fault'

export interface Passwords {
  /** What to keep of a password. Rejects `unavailable` when too many wait. */
  hash(password: string): Promise<string>
  /** Whether it is the password of that hash. Without a hash (no such account) it does the same work and says no. */
  verify(password: string, kept: string | undefined): Promise<boolean>
}

/** Hashes at once: libuv has four threads, and files and DNS need some. More wait, up to `WAITING`: about 20 s of work at cost 12. */
const AT_ONCE = 2
const WAITING = 200

/**
 * bcrypt of base64(HMAC-SHA384(pepper, password)): 64 characters, so that bcrypt's limit of 72 bytes and its end at a NUL cut nothing
 * off, and a copy of the store alone lets nobody guess. Off the main thread. `cost` is bcrypt's, 4 to 31.
 */
export function openPasswords(pepper: Buffer, cost: number): Passwords {
  const gate = openGate(AT_ONCE, WAITING)
  const inner = (password: string): string => createHmac('sha384', pepper).update(password, 'utf8').digest('base64')
  // Well-formed, of the same cost, and of no known password.
  const nobody = `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
  return {
    hash: (password) => gate(() => hash(inner(password), { cost })),
    verify: (password, kept) => gate(() => verify(inner(password), kept ?? nobody)),
  }
}

/** Runs `atOnce` tasks at a time, in the order they came; refuses when `waiting` more wait. */
function openGate(atOnce: number, waiting: number) {
  const queue: (() => void)[] = []
  let running = 0
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (queue.length >= waiting)
        throw new Fault('unavailable', 'Too many people are signing in. Try again shortly.', { retryAfterMs: 3_000 })
      // The place of the one that ends is handed on: `running` stays as it is.
      await new Promise<void>((go) => queue.push(go))
    } else running++
    try {
      return await task()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}
