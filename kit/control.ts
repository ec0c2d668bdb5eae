import type { ControlEntry } from '@parley/protocol/events'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Bus } from './bus/bus.ts'
import { Fault } from './fault.ts'
import type { Log } from './log.ts'
import { openReading } from './reading.ts'
import type { Actor } from './token.ts'

/**
 * What the user service has revoked, known here within two seconds (P9): the control log is read by cursor at start, every
 * second, and at once when the bus says that it grew.
 */
export interface Control extends AsyncDisposable {
  /** Throws `auth.invalid` when the session is over, `unavailable` while nothing is known yet. */
  check(actor: Actor): void
  /**
   * Undefined when the log was read less than two seconds ago, or cannot be read now. Else, since after this process stood
   * still what it knows is old, resolves when it was, or when a reading that began after the call could not end well; in the order of
   * the calls, so that what one device says keeps its order (P3).
   */
  recent(): Promise<void> | undefined
  /** Whether the log was ever read; until then nobody is let in. */
  readonly known: boolean
  /** Whether the user service answered when it was asked last. A token's end closes a socket only then, since else it could not be renewed. */
  readonly reachable: boolean
}

const POLL_MS = 1_000
const RECENT_MS = 2_000
const PAGE = 500
/** Longer than any access token lives; older entries no longer matter. */
const REMEMBER_MS = 20 * 60_000

/** `revoked` is called once for each entry read after the start. */
export async function openControl(deps: {
  directory: UserDirectory
  bus: Bus
  log: Log
  revoked: (entry: ControlEntry) => void
}): Promise<Control> {
  const { directory, bus, log, revoked } = deps
  /** When each session or user was revoked, oldest first. */
  const over = new Map<string, number>()
  let position: number | undefined
  let reachable = false
  /** When the last reading that succeeded began. */
  let readAt = Number.NEGATIVE_INFINITY
  /** For whom what is known was too old. */
  let waiting: PromiseWithResolvers<void> | undefined
  let closed = false

  async function readAll(): Promise<void> {
    const began = performance.now()
    try {
      position ??= await startOf(directory, Date.now() - REMEMBER_MS)
      for (let more = true; more && !closed; ) {
        const { entries, head } = await directory.control(position, PAGE)
        if (head < position) {
          // The user service was restored from a backup, and counts on from there.
          position = await startOf(directory, Date.now() - REMEMBER_MS)
          continue
        }
        for (const entry of entries) apply(entry)
        position = entries.at(-1)?.n ?? position
        more = entries.length > 0 && position < head
      }
      reachable = true
      readAt = began
      if (!isOld()) waiting?.resolve()
    } catch (error) {
      reachable = false
      log.warn({ err: error }, 'the control log cannot be read')
    }
  }

  const isOld = (): boolean => reachable && performance.now() - readAt > RECENT_MS

  function wait(): PromiseWithResolvers<void> {
    const all = Promise.withResolvers<void>()
    // Before anybody else hears of it, so that none comes in between who waits no longer.
    void all.promise.then(() => {
      waiting = undefined
    })
    return all
  }

  function apply(entry: ControlEntry): void {
    over.set(entry.kind === 'session.revoked' ? entry.sessionId : entry.userId, Date.now())
    for (const [id, at] of over) {
      if (Date.now() - at < REMEMBER_MS) break
      over.delete(id)
    }
    revoked(entry)
  }

  const { read, close } = openReading(readAll)
  await read()
  const poll = setInterval(() => void read(), POLL_MS)
  const news = await bus.listen(['control.appended'], () => void read())

  return {
    check({ sessionId, userId }) {
      if (position === undefined)
        throw new Fault('unavailable', 'Sign-in cannot be checked for the moment', { retryAfterMs: POLL_MS })
      if (over.has(sessionId) || over.has(userId))
        throw new Fault('auth.invalid', 'This session is over: sign in again')
    },
    recent() {
      if (!waiting && isOld()) {
        waiting = wait()
        void read().finally(waiting.resolve)
      }
      // Also who no longer has a reason to wait: those that came before still do.
      return waiting?.promise
    },
    get known() {
      return position !== undefined
    },
    get reachable() {
      return reachable
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearInterval(poll)
      await news[Symbol.asyncDispose]()
      await close()
    },
  }
}

/** The position before the first entry that is younger than `since`: found by halving, so that a long log costs a few reads. */
async function startOf(directory: UserDirectory, since: number): Promise<number> {
  let { head: high } = await directory.control(0, 1)
  let low = 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = (await directory.control(middle, 1)).entries
    if (entry && Date.parse(entry.at) < since) low = middle + 1
    else high = middle
  }
  return low
}
