import { setTimeout as delay } from 'node:timers/promises'
import { isDuplicate, unavailable } from '@parley/kit/mongo'
import type { ControlEntry } from '@parley/protocol/events'
import type { Collections, ControlDocument, SessionDocument } from './mongo-schema.ts'
import { noteEvent } from './mongo-security.ts'

/**
 * The control log, and revoking without a multi-document transaction, in three steps of one document each:
 *
 * 1. the session is marked `ending` (from here on nobody can use it, and the mark is the entry that the log lacks),
 * 2. what its owner should hear of it is left with the account, and the entry is appended to the log; `subject` is unique, so however many do this, it is there once,
 * 3. the session is deleted.
 *
 * Only then is it reported. Whoever finds a session that is `ending` (this process at start and every few seconds, or the one
 * that revokes it again) does 2 and 3. The other order, log first, would leave a session alive that the nodes believe revoked.
 */
export function openControl({ sessions, control, users }: Collections) {
  // The head as far as this process has seen it. The log is dense and never shrinks, so the search only goes forward from here.
  let known = 0
  let last: Promise<unknown> = Promise.resolve()

  const exists = async (n: number): Promise<boolean> =>
    (await control.findOne({ _id: n }, { projection: { _id: 1 } })) !== null

  /** The head, by doubling and halving with point reads: an open-ended sort would read the whole log. */
  async function head(): Promise<number> {
    let low = known
    let step = 1
    while (await exists(low + step)) {
      low += step
      step *= 2
    }
    for (let high = low + step; high - low > 1; ) {
      const middle = (low + high) >> 1
      if (await exists(middle)) low = middle
      else high = middle
    }
    known = Math.max(known, low)
    return low
  }

  /** Appends at head + 1, which the unique `_id` makes a compare-and-set. Head is a majority read, so n is never readable before n-1. */
  async function append(entry: Omit<ControlDocument, '_id'>): Promise<void> {
    for (let tries = 0; tries < 60; tries++) {
      if (await control.findOne({ subject: entry.subject }, { projection: { _id: 1 } })) return
      const n = (await head()) + 1
      try {
        await control.insertOne({ _id: n, ...entry })
        known = Math.max(known, n)
        return
      } catch (error) {
        if (!isDuplicate(error)) throw error
        await delay(Math.random() * Math.min(50, 5 * (tries + 1)))
      }
    }
    throw unavailable('the control log is too busy')
  }

  /** One at a time within this process, so that it does not race itself for the next n. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = last.then(task)
    last = mine.catch(() => {})
    return mine
  }

  async function end(session: Pick<SessionDocument, '_id' | 'userId' | 'ending'>): Promise<void> {
    const { at, reason, event } = session.ending!
    const entry = {
      subject: session._id,
      at,
      kind: 'session.revoked' as const,
      userId: session.userId,
      sessionId: session._id,
      reason,
    }
    await noteEvent(users, event)
    await inTurn(() => append(entry))
    await sessions.deleteOne({ _id: session._id, 'ending.at': { $exists: true } })
  }

  return {
    head,
    /** The entry, once however often. */
    append: (entry: Omit<ControlDocument, '_id'>) => inTurn(() => append(entry)),
    /** Steps 2 and 3 for a session that is `ending`. */
    end,
    /** Does them for every such session, whoever left it. */
    async heal(): Promise<void> {
      for (const session of await sessions
        .find({ 'ending.at': { $exists: true } })
        .limit(100)
        .toArray())
        await end(session)
    },
    async read(after: number, limit: number): Promise<ControlEntry[]> {
      const found = await control
        .find({ _id: { $gt: after, $lte: after + limit } })
        .sort({ _id: 1 })
        .toArray()
      const gap = found.findIndex((entry, i) => entry._id !== after + 1 + i)
      return (gap < 0 ? found : found.slice(0, gap)).map(controlEntry)
    },
  }
}

function controlEntry({ _id: n, at, kind, userId, sessionId, reason, messages }: ControlDocument): ControlEntry {
  if (kind === 'user.deleted') return { n, at, kind, userId, messages: messages! }
  return { n, at, kind, userId, sessionId: sessionId!, reason: reason! }
}
