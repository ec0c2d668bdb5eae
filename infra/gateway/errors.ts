import type { Document } from 'bson'

/** A refusal as MongoDB writes it. */
export const failure = (code: number, codeName: string, errmsg: string): Document => ({ ok: 0, errmsg, code, codeName })

/**
 * Whether PostgreSQL went away under the command: what it did is then unknown, and the client must see what it would see of a MongoDB that dies, which is a
 * connection that ends. SQLSTATEs of class 57P are a server that stops, of class 08 a connection that broke.
 */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error) return /^(57P|08|ECONN|EPIPE|ETIMEDOUT)/.test(String(error.code))
  return /^(Connection terminated|Client has encountered a connection error)/.test(error.message)
}

/** A refusal for what PostgreSQL threw while it ran `command` on the collection `ns`. */
export function failureOf(error: unknown, ns: string): Document {
  const state = error instanceof Error && 'code' in error ? String(error.code) : ''
  const [code, codeName] = CODES[state] ?? [8, 'UnknownError']
  return failure(code, codeName, mongoMessage(error instanceof Error ? error.message : String(error), ns))
}

/** Puts MongoDB's codes and words into the write errors that a reply carries. */
export function withMongoErrors(reply: Document, ns: string): Document {
  for (const error of reply.writeErrors ?? []) {
    const packed = Number(error.code)
    error.code = CODES[unpackState(packed)]?.[0] ?? packed
    error.errmsg = mongoMessage(String(error.errmsg), ns)
  }
  return reply
}

/** Inside a reply DocumentDB packs an SQLSTATE into an int, six bits a character. */
function unpackState(packed: number): string {
  return [0, 6, 12, 18, 24].map((bits) => String.fromCharCode(((packed >> bits) & 63) + 48)).join('')
}

/** Clients read the index's name out of MongoDB's words. */
function mongoMessage(message: string, ns: string): string {
  return message.replace(
    /^Duplicate key violation on the requested collection: Index '([^']*)'/,
    (_whole, index) => `E11000 duplicate key error collection: ${ns} index: ${index} dup key`,
  )
}

/** DocumentDB's SQLSTATEs for the MongoDB errors that a client acts on (from its published error mapping). */
const CODES: Record<string, [code: number, name: string]> = {
  M0001: [2, 'BadValue'],
  M0003: [9, 'FailedToParse'],
  M0004: [14, 'TypeMismatch'],
  M0008: [26, 'NamespaceNotFound'],
  M0009: [27, 'IndexNotFound'],
  M000D: [40, 'ConflictingUpdateOperators'],
  M000E: [43, 'CursorNotFound'],
  M000F: [48, 'NamespaceExists'],
  M00EX: [50, 'ExceededTimeLimit'],
  M00EY: [59, 'CommandNotFound'],
  M000M: [66, 'ImmutableField'],
  M000N: [67, 'CannotCreateIndex'],
  M000P: [72, 'InvalidOptions'],
  M000Q: [73, 'InvalidNamespace'],
  M000R: [85, 'IndexOptionsConflict'],
  M000S: [86, 'IndexKeySpecsConflict'],
  M00F1: [112, 'WriteConflict'],
  M000U: [115, 'CommandNotSupported'],
  M00CO: [121, 'DocumentFailedValidation'],
  M0015: [241, 'ConversionFailure'],
  M001B: [10334, 'BSONObjectTooLarge'],
  M001C: [11000, 'DuplicateKey'],
  '23505': [11000, 'DuplicateKey'],
  '40001': [112, 'WriteConflict'],
  '40P01': [112, 'WriteConflict'],
  '53100': [14031, 'OutOfDiskSpace'],
}
