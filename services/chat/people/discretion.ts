import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import { isOpen, OPEN, type Privacy } from '@parley/protocol/profile'
import { openMirror } from './mirror.ts'

/** Who keeps what back from others, in memory and whole: what asks waits for nothing and costs one look into a map. */
export interface Discretion extends AsyncDisposable {
  /** What that user keeps back. Until it was read once, everything. */
  of(userId: string): Privacy
  /**
   * Whether one of the two keeps that back: then neither sees it of the other. `receipts`: how far one has got and read.
   * `presence`: whether one is here, was here or types. Never from oneself.
   */
  parts(what: 'receipts' | 'presence', userId: string, otherId: string): boolean
  /** Called when what a user keeps back has changed here. */
  onChange(handle: (userId: string) => void): Disposable
}

interface Known extends Privacy {
  rev: number
}

const PAGE = 500
const EVERYTHING: Privacy = { privateReceipts: true, privatePresence: true, lastSeen: 'nobody' }

/** Until it was read once, everybody counts as keeping everything back. */
export async function openDiscretion(deps: {
  directory: Pick<UserDirectory, 'privacy'>
  bus: Bus
  log: Log
}): Promise<Discretion> {
  const { directory, bus, log } = deps
  const handlers = new Set<(userId: string) => void>()
  const known = await openMirror<Known>({
    async page(after) {
      const { items, next } = await directory.privacy(after, PAGE)
      return { items: items.map(({ userId, ...kept }) => [userId, kept] as const), next }
    },
    type: 'user.changed',
    news: (event) =>
      event.type === 'user.changed' ? [event.key, { ...event.data.privacy, rev: event.rev }] : undefined,
    isNothing: isOpen,
    changed(userId, before, now) {
      if (!same(before ?? OPEN, now ?? OPEN)) for (const handle of handlers) handle(userId)
    },
    what: 'what users keep back',
    bus,
    log,
  })
  const of = (userId: string): Privacy => (known.complete ? (known.get(userId) ?? OPEN) : EVERYTHING)

  return {
    of,
    parts(what, userId, otherId) {
      if (userId === otherId) return false
      if (known.complete && known.size === 0) return false
      const field = what === 'receipts' ? 'privateReceipts' : 'privatePresence'
      return of(userId)[field] || of(otherId)[field]
    },
    onChange(handle) {
      handlers.add(handle)
      return { [Symbol.dispose]: () => void handlers.delete(handle) }
    },
    [Symbol.asyncDispose]: () => known[Symbol.asyncDispose](),
  }
}

const same = (one: Privacy, other: Privacy): boolean =>
  one.privateReceipts === other.privateReceipts &&
  one.privatePresence === other.privatePresence &&
  one.lastSeen === other.lastSeen
