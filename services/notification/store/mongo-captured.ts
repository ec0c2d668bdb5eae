import { attempt, isDuplicate, makeIndexes } from '@parley/kit/mongo'
import type { Collection, Db } from 'mongodb'
import { CAPTURED_AT_MOST, type CapturedLetter, type CapturedStore } from './captured.ts'

/** `n` orders them: when each was captured, in milliseconds. */
type CapturedDocument = Omit<CapturedLetter, 'id'> & { _id: string; n: number; endsAt?: number }

export async function mongoCaptured(db: Db): Promise<CapturedStore> {
  const captured: Collection<CapturedDocument> = db.collection('captured')
  await makeIndexes('captured', () => captured.createIndexes([{ key: { n: -1, _id: -1 }, name: 'latest' }]))
  const latest = () => captured.find().sort({ n: -1, _id: -1 })
  const blank = (now: number) => captured.updateMany({ endsAt: { $lte: now } }, { $unset: { link: '', endsAt: '' } })
  return {
    add: ({ id, ...letter }, now) =>
      attempt(async () => {
        const endsAt = letter.expiresAt === undefined ? undefined : Date.parse(letter.expiresAt)
        try {
          await captured.insertOne({ _id: id, ...letter, n: now, ...(endsAt !== undefined && { endsAt }) })
        } catch (error) {
          if (!isDuplicate(error)) throw error
        }
        const over = await latest().skip(CAPTURED_AT_MOST).limit(CAPTURED_AT_MOST).toArray()
        if (over.length > 0) await captured.deleteMany({ _id: { $in: over.map(({ _id }) => _id) } })
        await blank(now)
      }),
    list: (now) =>
      attempt(async () => {
        await blank(now)
        const found = await latest().limit(CAPTURED_AT_MOST).toArray()
        return found.map(({ _id, n: _n, endsAt: _endsAt, ...letter }) => ({ id: _id, ...letter }))
      }),
  }
}
