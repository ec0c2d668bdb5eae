import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { Connection, Connections } from './connections.ts'
import type { InboxStore } from './store/store.ts'
import { packetOf } from './writer.ts'

const POLL_MS = 2_000
const USERS_AT_ONCE = 500
/** A node's sockets are told to sync at most this fast, so that they do not come all at once. */
const HINTS_PER_SECOND = 1_000

/**
 * Tells devices to sync when something may have passed them by. Once the bus is back, all of them, spread over time; while it is
 * away, those whose inbox has moved, looked at every 2 s.
 */
export function openHints(deps: { bus: Bus; inbox: InboxStore; connections: Connections; log: Log }): AsyncDisposable {
  const { bus, inbox, connections, log } = deps
  const heads = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  let polling: Promise<void> = Promise.resolve()

  function hint(connection: Connection): void {
    connection.writer.send(packetOf('sync.hint', {}))
  }

  function hintAll(): void {
    const all = [...connections.all()]
    const spread = (all.length / HINTS_PER_SECOND) * 1_000
    for (const connection of all) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        hint(connection)
      }, Math.random() * spread)
      timers.add(timer)
    }
  }

  async function poll(): Promise<void> {
    if (bus.state === 'up') return
    const users = connections.users()
    for (let at = 0; at < users.length; at += USERS_AT_ONCE) {
      const asked = users.slice(at, at + USERS_AT_ONCE)
      const found = await inbox.heads(asked)
      for (const [index, userId] of asked.entries()) {
        const head = found[index] ?? 0
        // Whoever is looked at for the first time may have missed something before.
        if (heads.get(userId) === head) continue
        heads.set(userId, head)
        for (const connection of connections.of(userId)) hint(connection)
      }
    }
  }

  const states = bus.onState((state) => {
    heads.clear()
    if (state === 'up') hintAll()
  })
  const timer = setInterval(() => {
    polling = polling.then(poll).catch((error) => log.warn({ err: error }, 'inboxes cannot be polled'))
  }, POLL_MS)

  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      states[Symbol.dispose]()
      for (const hinting of timers) clearTimeout(hinting)
      await polling
    },
  }
}
