/** Ids are kept as 16 bytes: half the index of their text, and the same for every spelling. */

const HASH = /^(?:[0-9a-f]{2}){16,32}$/
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Is it a UUID in lower case? */
export function isId(id: string): boolean {
  return ID.test(id)
}

/** The bytes of a UUID. Throws on anything else. */
export function idBytes(id: string): Uint8Array {
  const bytes = Buffer.from(id.length === 36 ? id.replaceAll('-', '') : '', 'hex')
  if (bytes.length !== 16) throw new TypeError('not a UUID')
  return bytes
}

/** The UUID of these bytes, in lower case. */
export function idOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Is it a hash: 16 to 32 bytes, in lower-case hex? */
export function isHash(hash: string): boolean {
  return HASH.test(hash)
}

/** Writes the four words of 32 bits of a UUID. */
export function wordsOfId(id: string, words: Float64Array, at: number): void {
  words[at] = hexOf(id, 0, 8)
  words[at + 1] = hexOf(id, 9, 13) * 0x10000 + hexOf(id, 14, 18)
  words[at + 2] = hexOf(id, 19, 23) * 0x10000 + hexOf(id, 24, 28)
  words[at + 3] = hexOf(id, 28, 36)
}

/** Writes the words of a hash; what is missing of the last is filled with zeros. */
export function wordsOfHash(hash: string, words: Float64Array, at: number): void {
  for (let from = 0; from < hash.length; from += 8) {
    const to = Math.min(from + 8, hash.length)
    words[at++] = hexOf(hash, from, to) * 2 ** (4 * (from + 8 - to))
  }
}

/** Fills `bytes` from as many words as that takes. */
export function bytesOfWords(words: Float64Array, at: number, bytes: Uint8Array): void {
  for (let n = 0; n < bytes.length; n += 4) {
    const word = words[at++]!
    bytes[n] = word >>> 24
    bytes[n + 1] = word >>> 16
    bytes[n + 2] = word >>> 8
    bytes[n + 3] = word
  }
}

/** The number that lower-case hex digits make up. */
function hexOf(text: string, from: number, to: number): number {
  let value = 0
  for (let n = from; n < to; n++) {
    const code = text.charCodeAt(n)
    value = value * 16 + (code > NINE ? code - LETTERS : code - ZERO)
  }
  return value
}

const [ZERO, NINE, LETTERS] = [0x30, 0x39, 0x61 - 10]

/** The hash in hex. */
export function hashOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
