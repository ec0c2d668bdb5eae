import { MongoClient, type MongoClientOptions, MongoError, MongoServerError } from 'mongodb'
import { Fault } from './fault.ts'

/** A client of that server, not yet connected: everything is written to a journalled majority and read from one, and every wait ends. */
export function mongoClient(url: string): MongoClient {
  return clientFor(url, {
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: 5_000 },
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    socketTimeoutMS: 10_000,
    waitQueueTimeoutMS: 5_000,
    maxPoolSize: 20,
    ignoreUndefined: true,
  })
}

/** A client of that server, not yet connected. Throws in plain words when the address is none. */
export function clientFor(url: string, options: MongoClientOptions): MongoClient {
  try {
    return new MongoClient(url, options)
  } catch (error) {
    throw new Error(`MONGODB_URL is no address of a MongoDB: ${messageOf(error)}`)
  }
}

/**
 * Connects, before anything else is asked. Rejects with an error for whoever starts the service: what could not be reached, or who was
 * refused there, and why; never with a password.
 */
export async function connect(client: MongoClient): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    const { hosts, srvHost, credentials } = client.options
    const where = `MongoDB at ${srvHost ?? hosts.join(', ')}, which MONGODB_URL names,`
    const isRefused = error instanceof MongoServerError && credentials !== undefined
    const what = isRefused ? `refuses the user "${credentials?.username}"` : 'cannot be reached'
    throw new Error(`${where} ${what}: ${messageOf(error)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Runs an operation; whatever MongoDB or the way to it refuses becomes `unavailable`, since its outcome is not known. A duplicate key is passed on as it is. */
export async function attempt<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (!(error instanceof MongoError) || isDuplicate(error)) throw error
    throw unavailable(error)
  }
}

/** A unique index refused it. Which one is never asked: a majority read afterwards tells. */
export const isDuplicate = (error: unknown): boolean => error instanceof MongoServerError && error.code === 11000

/** The refusal for everything that the store cannot say is done. */
export const unavailable = (cause: unknown): Fault =>
  new Fault('unavailable', 'That could not be stored for the moment', { cause, retryAfterMs: 1_000 })

/** Makes the indexes of a collection, or throws an error that names it. */
export async function makeIndexes(collection: string, make: () => Promise<unknown>): Promise<void> {
  await make().catch((error: Error) => {
    throw new Error(
      `MongoDB: the indexes of "${collection}" cannot be made, and without them nothing is unique: ${error.message}`,
    )
  })
}
