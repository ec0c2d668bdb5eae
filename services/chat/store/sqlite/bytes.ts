/** Ids are kept as 16 bytes: half the index of their text, and the same for every spelling. */

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

/** The bytes of a content's hash: 16 to 32 of them, in hex. Throws on anything else. */
export function hashBytes(hash: string): Uint8Array {
  const bytes = Buffer.from(hash, 'hex')
  if (bytes.length < 16 || bytes.length * 2 !== hash.length) throw new TypeError('not a hash')
  return bytes
}

/** The hash in hex. */
export function hashOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
