import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import { openReading } from '@parley/kit/reading'
import type { BusEvent, BusEventType } from '@parley/protocol/events'

/**
 * What the user service knows by id and this service keeps to: read whole at the start, and again whenever the bus may have lost
 * something; in between it hears of each change. There is no copy on disk that could be wrong.
 */
export interface Mirror<V> extends AsyncDisposable {
  /** Whether it was ever read whole. */
  readonly complete: boolean
  readonly size: number
  get(id: string): V | undefined
}

export const RETRY_MS = 1_000
/** So many of whom there is nothing to know any more are remembered, so that news from before, if it comes after, is known as such. */
const REMEMBERED = 10_000

/** Resolves when it was read once, or could not be; then it is tried again. */
export async function openMirror<V extends { rev: number }>(deps: {
  page(after: string | undefined): Promise<{ items: (readonly [id: string, value: V])[]; next?: string | undefined }>
  /** The events that tell of a change, and what they say. */
  type: BusEventType
  news(event: BusEvent): readonly [id: string, value: V] | undefined
  /** It is the same as if nothing were known. */
  isNothing(value: V): boolean
  /** Something else may be known of this one now. */
  changed?(id: string, before: V | undefined, now: V | undefined): void
  /** For the log: what cannot be read. */
  what: string
  bus: Bus
  log: Log
}): Promise<Mirror<V>> {
  const { page, type, news, isNothing, changed, what, bus, log } = deps
  let known = new Map<string, V>()
  /** Heard since the reading that is under way began: newer than what it reads, or the same. */
  let heard: Map<string, V> | undefined
  const remembered = new Set<string>()
  let complete = false
  let closed = false
  let retry: NodeJS.Timeout | undefined

  function note(map: Map<string, V>, id: string, value: V): boolean {
    if ((map.get(id)?.rev ?? -1) > value.rev) return false
    map.set(id, value)
    return true
  }

  const listening = await bus.listen([type], (event) => {
    const told = news(event)
    if (!told) return
    const [id, value] = told
    const before = known.get(id)
    if (heard) note(heard, id, value)
    if (!note(known, id, value)) return
    if (isNothing(value)) remember(id)
    changed?.(id, before, value)
  })

  function remember(id: string): void {
    remembered.delete(id)
    remembered.add(id)
    if (remembered.size <= REMEMBERED) return
    const [oldest] = remembered
    remembered.delete(oldest!)
    const left = known.get(oldest!)
    if (left && isNothing(left)) known.delete(oldest!)
  }

  async function readAll(): Promise<void> {
    clearTimeout(retry)
    heard = new Map()
    try {
      const found = new Map<string, V>()
      for (let after: string | undefined, more = true; more && !closed; ) {
        const { items, next } = await page(after)
        for (const [id, value] of items) found.set(id, value)
        after = next
        more = after !== undefined
      }
      for (const [id, value] of heard) note(found, id, value)
      take(found)
    } catch (error) {
      log.warn({ err: error }, `${what} cannot be read`)
      if (!closed) retry = setTimeout(() => void read(), RETRY_MS)
    }
    heard = undefined
  }

  function take(found: Map<string, V>): void {
    const before = known
    known = found
    complete = true
    remembered.clear()
    for (const [id, value] of found) if (isNothing(value)) remember(id)
    if (changed)
      for (const id of new Set([...before.keys(), ...found.keys()])) changed(id, before.get(id), found.get(id))
  }

  const { read, close } = openReading(readAll)
  await read()
  const states = bus.onState((state) => {
    if (state === 'up') void read()
  })

  return {
    get complete() {
      return complete
    },
    get size() {
      return known.size
    },
    get: (id) => known.get(id),
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(retry)
      states[Symbol.dispose]()
      await listening[Symbol.asyncDispose]()
      await close()
    },
  }
}
