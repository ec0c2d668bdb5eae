import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'

/** Who are friends, as far as presence and profiles depend on it. */
export interface Friends extends AsyncDisposable {
  /** Those of these users (at most 500) who are friends of that user. Never rejects: who cannot be asked for counts as a stranger. */
  of(userId: string, others: readonly string[]): Promise<Set<string>>
  /** Called when two may have become friends, or may be no longer. */
  onChange(handle: (one: string, other: string) => void): Disposable
}

/** Pairs that are remembered, some 150 bytes each. */
const MAX_KNOWN = 50_000
/** As many as the user service answers at once. */
const AT_ONCE = 200

interface Known {
  rev: number
  friends: boolean
}

/**
 * Asks the user service for a pair when it is first needed and remembers the answer, which `contact.changed` keeps true. While the bus is
 * away nothing is remembered, and after it was, everything is asked for again.
 */
export async function openFriends(deps: {
  directory: Pick<UserDirectory, 'friends'>
  bus: Bus
  log: Log
}): Promise<Friends> {
  const { directory, bus, log } = deps
  let known = new Map<string, Known>()
  const handlers = new Set<(one: string, other: string) => void>()

  function note(map: Map<string, Known>, key: string, news: Known): void {
    const before = map.get(key)
    if (before && before.rev > news.rev) return
    map.delete(key)
    if (map.size >= MAX_KNOWN) map.delete(map.keys().next().value!)
    map.set(key, news)
  }

  const listening = await bus.listen(['contact.changed'], (event) => {
    if (event.type !== 'contact.changed') return
    const { low, high } = event.data
    const key = keyOf(low.userId, high.userId)
    const before = known.get(key)
    const friends = low.view.status === 'friends'
    note(known, key, { rev: event.rev, friends })
    if (before?.friends !== friends && known.get(key)?.friends === friends)
      for (const handle of handlers) handle(low.userId, high.userId)
  })
  const states = bus.onState(() => {
    // Whoever asks meanwhile notes the answer where nobody looks any more.
    known = new Map()
  })

  async function ask(userId: string, others: readonly string[]): Promise<Map<string, Known>> {
    const here = known
    const answered = new Map<string, Known>()
    for (let at = 0; at < others.length; at += AT_ONCE) {
      const some = others.slice(at, at + AT_ONCE)
      for (const other of some) answered.set(keyOf(userId, other), { rev: 0, friends: false })
      const found = await directory.friends(some.map((other) => [userId, other] as const))
      for (const { users, rev, friends } of found) answered.set(keyOf(...users), { rev, friends })
    }
    if (bus.state !== 'up') return answered
    for (const [key, news] of answered) {
      note(here, key, news)
      // What was heard meanwhile may be newer.
      answered.set(key, here.get(key) ?? news)
    }
    return answered
  }

  return {
    async of(userId, others) {
      const unknown = others.filter((other) => bus.state !== 'up' || !known.has(keyOf(userId, other)))
      let asked = new Map<string, Known>()
      if (unknown.length > 0)
        asked = await ask(userId, unknown).catch((error) => {
          log.warn({ err: error }, 'friendships cannot be asked for')
          return new Map()
        })
      return new Set(
        others.filter((other) => {
          const key = keyOf(userId, other)
          return (asked.get(key) ?? (bus.state === 'up' ? known.get(key) : undefined))?.friends === true
        }),
      )
    },
    onChange(handle) {
      handlers.add(handle)
      return { [Symbol.dispose]: () => void handlers.delete(handle) }
    },
    async [Symbol.asyncDispose]() {
      states[Symbol.dispose]()
      await listening[Symbol.asyncDispose]()
    },
  }
}

const keyOf = (one: string, other: string): string => (one < other ? `${one}:${other}` : `${other}:${one}`)
