import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import type { LogStore } from '../store/store.ts'

/** What takes the place of deliveries while the bus is away: inboxes are raised, so that the nodes that poll them see the news. */
export interface Away extends AsyncDisposable {
  /** An entry was committed, here or by a node that died. */
  note(entry: Entry): void
}

const RAISE_MS = 500
const RAISED_AT_ONCE = 500
/** Entries that were on their way when the bus went. */
const IN_FLIGHT = 20_000

/** Keeps one entry for each conversation that changed: raising it once is enough. The relay raises for good when the bus is back. */
export function openAway(deps: { bus: Bus; log: LogStore; logger: Log }): Away {
  const { bus, log, logger } = deps
  const changed = new Map<string, Entry>()
  let raising: Promise<void> = Promise.resolve()

  async function raise(): Promise<void> {
    while (changed.size > 0 && bus.state === 'down') {
      const entries = [...changed.values()].slice(0, RAISED_AT_ONCE)
      await log.raise(entries)
      for (const entry of entries) if (changed.get(entry.conversationId) === entry) changed.delete(entry.conversationId)
    }
  }

  function note(entry: Entry): void {
    if (bus.state === 'down') changed.set(entry.conversationId, entry)
  }

  const states = bus.onState((state) => {
    changed.clear()
    if (state === 'up') return
    log.pending(IN_FLIGHT).then(
      (entries) => entries.forEach(note),
      (error) => logger.warn({ err: error }, 'what was on its way is raised when the bus is back'),
    )
  })
  const timer = setInterval(() => {
    raising = raising.then(raise).catch((error) => logger.warn({ err: error }, 'inboxes cannot be raised'))
  }, RAISE_MS)

  return {
    note,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      states[Symbol.dispose]()
      await raising
    },
  }
}
