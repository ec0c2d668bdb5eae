import { Fault } from '@parley/kit/fault'
import { clientFor } from '@parley/kit/mongo'
import { type MongoClient, type MongoClientOptions, MongoError } from 'mongodb'

/**
 * Durable and linear for all that is decided here: a write is acknowledged by a journalled majority, a read sees only what
 * a majority has, both at the primary. Every wait ends: a server that is away is noticed in two seconds, one that hangs in five.
 */
const OPTIONS = {
  appName: 'parley-chat',
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 4_000 },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  heartbeatFrequencyMS: 2_000,
  connectTimeoutMS: 2_000,
  serverSelectionTimeoutMS: 2_000,
  socketTimeoutMS: 5_000,
  waitQueueTimeoutMS: 4_000,
  maxPoolSize: 64,
  ignoreUndefined: true,
} satisfies MongoClientOptions

/** The server gives up on an operation before the socket does, so that no abandoned work piles up there. */
export const BOUNDED = { maxTimeMS: 4_000 } as const

/** A read, which is never larger than this in documents: it comes in one answer. */
export const READ = { ...BOUNDED, batchSize: 10_001 } as const

/** A client of that server, not yet connected. `more` is for work that may take long, such as building an index. */
export function clientOf(url: string, more: MongoClientOptions = {}): MongoClient {
  return clientFor(url, { ...OPTIONS, ...more })
}

/** What the work gives; where the server could not do it (or did not say that it did) `unavailable`, to be tried again. */
export async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof MongoError ? unavailable(error) : error
  }
}

/** The refusal for everything that the store cannot say is done. */
export function unavailable(cause?: unknown): Fault {
  return new Fault('unavailable', 'The store cannot do this for the moment. Try again.', { cause, retryAfterMs: 1_000 })
}

/** What a unique index answers. */
export const DUPLICATE_KEY = 11_000

/** A unique index said no. Which one is never asked: see `round.ts`. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoError && error.code === DUPLICATE_KEY
}
