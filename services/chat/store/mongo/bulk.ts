import { type AnyBulkWriteOperation, type Collection, type Document, MongoBulkWriteError } from 'mongodb'
import { BOUNDED, DUPLICATE_KEY } from './connection.ts'

/**
 * Updates one document each (or makes it, where the update says upsert), in one command and no order. Where two processes make the same document at once the
 * unique index lets one through; the other's update is then sent again, and finds it.
 */
export async function updateEach<D extends Document>(
  collection: Collection<D>,
  updates: readonly AnyBulkWriteOperation<D>[],
): Promise<void> {
  let rest = updates
  for (let tries = 1; rest.length > 0; tries++) {
    try {
      await collection.bulkWrite(rest, { ordered: false, ...BOUNDED })
      return
    } catch (error) {
      if (tries === 5 || !(error instanceof MongoBulkWriteError)) throw error
      const failed = [error.writeErrors].flat()
      if (failed.length === 0 || !failed.every(({ code }) => code === DUPLICATE_KEY)) throw error
      const again = new Set(failed.map(({ index }) => index))
      rest = rest.filter((_, n) => again.has(n))
    }
  }
}
