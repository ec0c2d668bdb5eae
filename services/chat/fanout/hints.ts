import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { Connection, Connections } from '../socket/connections.ts'
import { packetOf } from '../socket/writer.ts'
import type { InboxStore } from '../store/store.ts'

const POLL_MS = 2_000
const USERS_AT_ONCE = 500
/** A node's sockets are told to sync at most this fast, so that they do not come all at once. */
const HINTS_PER_SECOND = 1_000
const HINT_EVERY_MS = 50

/**
 * Tells devices to sync when something may have passed them by. Once the bus is back, or has lost something, all of them, spread
 * over time; while it is away, those whose inbox has moved, looked at every 2 s.
 */
export function openHints(deps: { bus: Bus; inbox: InboxStore; connections: Connections; log: Log }): AsyncDisposable {
  const { bus, inbox, connections, log } = deps
  const heads = new Map<string, number>()
  /** Those that are still to be told; whoever is among them already is told once. */
  const unhinted = new Set<Connection>()
  let hinting: NodeJS.Timeout | undefined
  let polling: Promise<void> = Promise.resolve()

  function hint(connection: Connection): void {
    connection.writer.send(packetOf('sync.hint', {}))
  }

  function hintAll(): void {
    for (const connection of connections.all()) unhinted.add(connection)
    hinting ??= setInterval(hintSome, HINT_EVERY_MS)
  }

  function hintSome(): void {
    let left = (HINTS_PER_SECOND * HINT_EVERY_MS) / 1_000
    for (const connection of unhinted) {
      if (left-- === 0) return
      unhinted.delete(connection)
      hint(connection)
    }
    clearInterval(hinting)
    hinting = undefined
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
      clearInterval(hinting)
      await polling
    },
  }
}
