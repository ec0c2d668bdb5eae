import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Secrets by purpose, so that each service's file can hold only what it needs. Base64url of 32 random bytes each. */
export const KEY_NAMES = ['signing', 'refresh', 'pepper', 'internal', 'content'] as const
export type KeyName = (typeof KEY_NAMES)[number]

/**
 * Reads a key file (JSON, `{"internal": "<base64url of 32 bytes>", …}`). Throws an error that names what is missing.
 * `signing` seeds the Ed25519 key of access tokens, `refresh` chains refresh tokens, `pepper` pre-hashes passwords
 * (all three: user service only); `internal` is the bearer secret between services; `content` keys the hash of message contents (chat).
 */
export function readKeys<N extends KeyName>(path: string, names: readonly N[]): Record<N, Buffer> {
  const file = readJson(path)
  const keys = {} as Record<N, Buffer>
  const missing: string[] = []
  for (const name of names) {
    const key = Buffer.from(String(file[name] ?? ''), 'base64url')
    if (key.length === 32) keys[name] = key
    else missing.push(name)
  }
  if (missing.length > 0)
    throw new Error(`The key file ${path} lacks ${missing.join(', ')} (base64url of 32 bytes each)`)
  return keys
}

function readJson(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`The key file ${path} cannot be read: ${(error as Error).message}`)
  }
  try {
    return Object(JSON.parse(text))
  } catch {
    // What the parser says would show a part of the keys.
    throw new Error(`The key file ${path} cannot be read: it is not valid JSON`)
  }
}

/** Makes a key file with every key, readable by its owner only, if there is none. Two processes that try at once keep the same one. */
export function makeKeys(path: string): void {
  if (existsSync(path)) return
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const keys = Object.fromEntries(KEY_NAMES.map((name) => [name, randomBytes(32).toString('base64url')]))
  writeFileSync(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true })
  chmodSync(draft, 0o600)
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
