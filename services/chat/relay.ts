import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import type { BusEvent } from '@parley/protocol/events'
import { eachAtOnce } from './at-once.ts'
import type { Fanout } from './fanout.ts'
import type { LogStore } from './store/store.ts'

/**
 * Passes what is committed on to the bus, then marks it relayed: at least once, for ever. What another node left behind when
 * it died is told to the sockets again first. A conversation whose entries the bus refuses waits by itself; others go on.
 */
export interface Relay extends AsyncDisposable {
  /** Resolves when everything that was committed before the call is relayed, or cannot be now. */
  settled(): Promise<void>
}

const BATCH = 500
const MAX_BATCH = 20_000
const CONVERSATIONS_AT_ONCE = 32
/** After this long without its mark, an entry's own node is taken for dead. */
const WATCHED_MS = 5_000
/** How often is looked for what others left, or waits for its retry. */
const LOOK_MS = 1_000
const MAX_DELAY_MS = 30_000

export function openRelay(deps: { log: LogStore; bus: Bus; fanout: Fanout; logger: Log }): Relay {
  const { log, bus, fanout, logger } = deps
  /** Conversations that wait for their next try. */
  const waiting = new Map<string, { tries: number; until: number }>()
  let batch = BATCH
  let closed = false
  let awake = false
  let running: Promise<void> | undefined

  function wake(): void {
    awake = true
    running ??= run().finally(() => {
      running = undefined
      if (awake && !closed) wake()
    })
  }

  async function run(): Promise<void> {
    while (awake && !closed) {
      awake = false
      try {
        if (await pass(await log.pending(batch), false)) awake = true
      } catch (error) {
        logger.warn({ err: error }, 'the relay will try again')
        return
      }
    }
  }

  async function look(): Promise<void> {
    wake()
    try {
      await pass(await log.pending(BATCH, WATCHED_MS), true)
    } catch (error) {
      logger.warn({ err: error }, 'the relay will look again for what others left')
    }
  }

  /** Relays what is due of these; true when there may be more to do at once. */
  async function pass(entries: readonly Entry[], left: boolean): Promise<boolean> {
    if (entries.length === 0) return false
    if (left) for (const entry of entries) await fanout.entry(entry)
    if (bus.state === 'down') return false
    const due = [...Map.groupBy(entries, (entry) => entry.conversationId)].filter(([id]) => isDue(id))
    const published: Entry[] = []
    await eachAtOnce(CONVERSATIONS_AT_ONCE, due, async ([id, own]) => {
      for (const entry of own) {
        if (closed || !(await publish(id, entry))) return
        published.push(entry)
      }
      waiting.delete(id)
    })
    // What waits must not fill the window: the rest would never be seen.
    batch = Math.min(MAX_BATCH, BATCH + (entries.length - published.length))
    if (published.length === 0) return false
    crashPoint('relay.before-mark')
    await log.relayed(published)
    crashPoint('relay.after-mark')
    return entries.length >= BATCH
  }

  async function publish(conversationId: string, entry: Entry): Promise<boolean> {
    try {
      crashPoint('relay.before-publish')
      await bus.publish(eventOf(entry))
      return true
    } catch (error) {
      const tries = (waiting.get(conversationId)?.tries ?? 0) + 1
      const delay = Math.min(MAX_DELAY_MS, 250 * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2)
      waiting.set(conversationId, { tries, until: performance.now() + delay })
      logger.warn({ err: error, conversationId, rev: entry.rev, tries }, 'the bus did not take an entry')
      return false
    }
  }

  const isDue = (id: string): boolean => (waiting.get(id)?.until ?? 0) <= performance.now()

  const commits = log.onCommit(wake)
  const states = bus.onState((state) => {
    if (state !== 'up') return
    waiting.clear()
    wake()
  })
  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, LOOK_MS)
  wake()

  return {
    async settled() {
      wake()
      while (running) await running
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      commits[Symbol.dispose]()
      states[Symbol.dispose]()
      // One last pass, so that a graceful stop leaves nothing for others to wait for.
      wake()
      await running
      closed = true
      await looking
    },
  }
}

/** The event that tells of an entry; the same entry makes the same event. */
function eventOf(entry: Entry): BusEvent {
  const envelope = {
    id: `${entry.conversationId}/${entry.rev}`,
    version: 1 as const,
    occurredAt: entry.createdAt,
    key: entry.conversationId,
    rev: entry.rev,
  }
  return entry.kind === 'message'
    ? { ...envelope, type: 'message.created', data: entry }
    : { ...envelope, type: 'conversation.changed', data: entry }
}
