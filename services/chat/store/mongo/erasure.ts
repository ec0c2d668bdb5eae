import { crashPoint } from '@parley/kit/crash'
import { type Amend, asItWas, ERASED, forgetEdits } from './amendments.ts'
import type { Collections, LogDocument } from './collections.ts'
import { BOUNDED, READ } from './connection.ts'

/**
 * Erases what has disappeared, as a deletion does, each message in one write on the very state that was read: an edit that comes
 * in between makes it be read again. `disappears` goes, so that the index has only what is left to do.
 */
export function eraseIn(log: Collections['log'], amend: Amend): (limit: number) => Promise<number> {
  async function erase(message: LogDocument): Promise<void> {
    let now: LogDocument | null = message
    while (now?.disappears) {
      // First, while the message still names them: who dies in between leaves the message to be erased.
      await forgetEdits(log, now)
      crashPoint('sweep.before-commit')
      const gone = {
        text: '',
        deleted: true as const,
        contentHash: '',
        tombstone: now.conversationId,
        tombstoneSeq: now.seq ?? 0,
      }
      await log.updateOne(asItWas(now), { $set: gone, $unset: { ...ERASED, disappears: '', lasting: '' } }, BOUNDED)
      now = await log.findOne({ conversationId: now.conversationId, seq: now.seq }, BOUNDED)
    }
  }

  return async (limit) => {
    const upToNow = { disappears: { $gte: new Date(0), $lte: new Date() } }
    const due = await log.find(upToNow, { ...READ, sort: { disappears: 1 }, limit }).toArray()
    for (const [conversationId, messages] of Map.groupBy(due, (message) => message.conversationId)) {
      await amend(conversationId)
      for (const message of messages) await erase(message)
    }
    return due.length
  }
}
