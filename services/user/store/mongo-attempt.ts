import { Fault } from '@parley/kit/fault'
import { MongoError, MongoServerError } from 'mongodb'

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

export const unavailable = (cause: unknown): Fault =>
  new Fault('unavailable', 'That could not be stored for the moment', { cause, retryAfterMs: 1_000 })
