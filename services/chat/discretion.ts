import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import { isOpen, OPEN, type Privacy } from '@parley/protocol/profile'

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
const RETRY_MS = 1_000
/** Users who keep nothing back any more and are remembered, so that an event from before, if it comes after, is known as such. */
const OPENED = 10_000
const EVERYTHING: Privacy = { privateReceipts: true, privatePresence: true, lastSeen: 'nobody' }

/**
 * Reads all who keep something back from the user service, then hears of each change from the bus, and reads them again whenever
 * the bus may have lost something. There is no copy on disk that could be wrong. Until they were read once, everybody counts as
 * keeping everything back.
 */
export async function openDiscretion(deps: {
  directory: Pick<UserDirectory, 'privacy'>
  bus: Bus
  log: Log
}): Promise<Discretion> {
  const { directory, bus, log } = deps
  let known = new Map<string, Known>()
  /** Heard since the reading that is under way began: newer than what it reads, or the same. */
  let heard: Map<string, Known> | undefined
  const opened = new Set<string>()
  const handlers = new Set<(userId: string) => void>()
  let complete = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  let reading: Promise<void> | undefined
  let again = false

  const of = (userId: string): Privacy => (complete ? (known.get(userId) ?? OPEN) : EVERYTHING)

  function note(map: Map<string, Known>, userId: string, news: Known): boolean {
    if ((map.get(userId)?.rev ?? -1) > news.rev) return false
    map.set(userId, news)
    return true
  }

  const listening = await bus.listen(['user.changed'], (event) => {
    if (event.type !== 'user.changed') return
    const before = of(event.key)
    const news = { ...event.data.privacy, rev: event.rev }
    if (heard) note(heard, event.key, news)
    if (isOpen(news) && !known.has(event.key)) return
    if (!note(known, event.key, news)) return
    if (isOpen(news)) forgetLater(event.key)
    if (!same(before, of(event.key))) tell([event.key])
  })

  function forgetLater(userId: string): void {
    opened.delete(userId)
    opened.add(userId)
    if (opened.size <= OPENED) return
    const [oldest] = opened
    opened.delete(oldest!)
    const left = known.get(oldest!)
    if (left && isOpen(left)) known.delete(oldest!)
  }

  function tell(userIds: Iterable<string>): void {
    for (const userId of userIds) for (const handle of handlers) handle(userId)
  }

  function read(): Promise<void> {
    again = true
    reading ??= readAll().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readAll(): Promise<void> {
    while (again && !closed) {
      again = false
      clearTimeout(retry)
      heard = new Map()
      try {
        const found = new Map<string, Known>()
        for (let after: string | undefined, more = true; more && !closed; ) {
          const page = await directory.privacy(after, PAGE)
          for (const { userId, ...kept } of page.items) found.set(userId, kept)
          after = page.next
          more = after !== undefined
        }
        for (const [userId, news] of heard) note(found, userId, news)
        takeAll(found)
      } catch (error) {
        log.warn({ err: error }, 'what users keep back cannot be read')
        if (!closed) retry = setTimeout(() => void read(), RETRY_MS)
      }
      heard = undefined
    }
  }

  function takeAll(found: Map<string, Known>): void {
    const changed = [...new Set([...known.keys(), ...found.keys()])].filter(
      (userId) => !same(known.get(userId) ?? OPEN, found.get(userId) ?? OPEN),
    )
    known = found
    opened.clear()
    for (const [userId, kept] of found) if (isOpen(kept)) opened.add(userId)
    complete = true
    tell(changed)
  }

  await read()
  const states = bus.onState((state) => {
    if (state === 'up') void read()
  })

  return {
    of,
    parts(what, userId, otherId) {
      if (userId === otherId) return false
      if (complete && known.size === 0) return false
      const field = what === 'receipts' ? 'privateReceipts' : 'privatePresence'
      return of(userId)[field] || of(otherId)[field]
    },
    onChange(handle) {
      handlers.add(handle)
      return { [Symbol.dispose]: () => void handlers.delete(handle) }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(retry)
      states[Symbol.dispose]()
      await listening[Symbol.asyncDispose]()
      await reading
    },
  }
}

const same = (one: Privacy, other: Privacy): boolean =>
  one.privateReceipts === other.privateReceipts &&
  one.privatePresence === other.privatePresence &&
  one.lastSeen === other.lastSeen
