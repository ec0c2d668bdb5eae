import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@parley/kit/log'
import type { ControlEntry } from '@parley/protocol/events'
import type { UserDirectory } from '@parley/protocol/internal'
import type { NotificationStore } from './store/store.ts'

/**
 * Carries out here what the user service's control log says: whose session is over is pushed nothing more on the device of it, and of
 * whoever is deleted nothing is kept. Each line is carried out at least once by each process, also those from while this service was away.
 */
export interface SessionsOver extends AsyncDisposable {
  /** The log has grown, or may have. */
  look(): void
}

const NAME = 'control'
const PAGE = 500
/** Lines that are carried out again at the start: a process that died may have written something as late as that, and not have heard of them. */
const LOOK_BACK = 100
const AGAIN_MS = 2_000

export async function openSessionsOver(needs: {
  store: Pick<
    NotificationStore,
    'alerts' | 'devices' | 'digests' | 'preferences' | 'deliveries' | 'progress' | 'watches'
  >
  directory: Pick<UserDirectory, 'control'>
  /** A session is over. Resolves when it is kept that it is. */
  revoked: (entry: Extract<ControlEntry, { kind: 'session.revoked' }>) => Promise<void>
  log: Log
  now?: () => number
}): Promise<SessionsOver> {
  const { store, directory, revoked, log, now = Date.now } = needs
  const closing = new AbortController()
  /**
   * Up to where this process has carried it out. Each does all of it, whatever the others have done: before it has heard that a session
   * or a user is gone, it may write something of theirs that comes after what another has removed.
   */
  let own: number | undefined
  let grown = true
  let running: Promise<void> | undefined

  function look(): void {
    grown = true
    running ??= run().finally(() => {
      running = undefined
      if (grown && !closing.signal.aborted) look()
    })
  }

  async function run(): Promise<void> {
    while (grown && !closing.signal.aborted) {
      grown = false
      try {
        await carryOut()
      } catch (error) {
        log.warn({ err: error }, 'the control log is not carried out for the moment')
        grown = true
        await pause(AGAIN_MS, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }

  async function carryOut(): Promise<void> {
    const kept = await store.progress.of(NAME)
    let position = own ?? (kept && Math.max(0, kept - LOOK_BACK))
    for (let more = true; more && !closing.signal.aborted; ) {
      const { entries, head } = await directory.control(position ?? 0, PAGE)
      // At the very first there is nothing that could be of an older session; and after a backup was restored the log counts on from there.
      if (position === undefined || head < position) {
        own = head
        await store.progress.set(NAME, head)
        return
      }
      for (const entry of entries) await apply(entry)
      // All of them at once, since everything is looked through.
      await store.watches.forget(entries.flatMap((entry) => (entry.kind === 'user.deleted' ? [entry.userId] : [])))
      const last = entries.at(-1)
      if (last) await store.progress.set(NAME, last.n)
      position = own = last?.n ?? position
      more = last !== undefined && position < head
    }
  }

  async function apply(entry: ControlEntry): Promise<void> {
    if (entry.kind === 'session.revoked') {
      await revoked(entry)
      return store.devices.removeSession(entry.sessionId)
    }
    await store.devices.forget(entry.userId)
    await store.digests.forget(entry.userId)
    await store.preferences.forget(entry.userId)
    await store.alerts.forget(entry.userId)
    await store.deliveries.forget(entry.userId, now())
  }

  look()
  return {
    look,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
