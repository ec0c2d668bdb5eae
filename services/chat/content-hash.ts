import { hash, type KeyObject } from 'node:crypto'

/** The hash by which a repeat is known from another content under the same id (P2): 16 bytes in hex. Says nothing to who has the data without the key. */
export type ContentHash = (kind: string, content: string) => string

/**
 * The first half of SHA-512/256 over key and content. That hash, and less so half of it, cannot be extended by who does not know
 * the key (FIPS 180-4, 6.7), so it needs no HMAC around it; this is done for every message, and in one call it costs a fifth.
 */
export function openContentHash(key: KeyObject): ContentHash {
  const prefix = key.export().toString('hex')
  return (kind, content) => hash('sha512-256', `${prefix}${kind}\0${content}`, 'hex').slice(0, 32)
}
