import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import type { BusEvent } from '@parley/protocol/events'
import { eachAtOnce } from './at-once.ts'
import type { Fanout } from './fanout/fanout.ts'
import { addressedIn, changeOf, conversationOf, idOf, isAddressed, newsIn } from './relay-events.ts'
import type { LogStore } from './store/store.ts'

/**
 * Passes what is committed on to the bus, then marks it relayed: at least once, for ever, in no promised order. What another
 * node left behind when it died, and what this one could not tell other nodes while the bus was away, is told to the sockets
 * again first. A conversation whose entries the bus refuses waits by itself; others go on.
 */
export interface Relay extends AsyncDisposable {
  /** Resolves when everything that was committed before the call is relayed, or cannot be now. */
  settled(): Promise<void>
}

const BATCH = 2_000
const MAX_BATCH = 20_000
/** After a pass, so long is gathered for the next: under load it takes many entries, and marking them costs next to nothing. */
const GATHER_MS = 20
/** Together half of what a bus takes at once. */
const CONVERSATIONS_AT_ONCE = 32
const EVENTS_AT_ONCE = 16
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
  /** What others left and the sockets were told of, while it waits for the bus. */
  let told = new Set<string>()
  /** The bus was away: other nodes may not have heard of what still waits. */
  let untold = false
  let closing = false
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
        const entries = await log.pending(batch)
        if (untold && bus.state === 'up') {
          untold = entries.length >= batch
          for (const entry of newsOf(entries)) await fanout.entry(entry)
        }
        if (await pass(entries)) awake = true
        else if (entries.length > 0 && !closing) await pause(GATHER_MS)
      } catch (error) {
        logger.warn({ err: error }, 'the relay will try again')
        return
      }
    }
  }

  async function look(): Promise<void> {
    wake()
    try {
      const left = await log.pending(BATCH, WATCHED_MS)
      const known = told
      told = new Set(left.map(idOf))
      for (const entry of left) if (!known.has(idOf(entry))) await fanout.entry(entry)
      await pass(left)
    } catch (error) {
      logger.warn({ err: error }, 'the relay will look again for what others left')
    }
  }

  /** Relays what is due of these; true when there may be more to do at once. */
  async function pass(entries: readonly Entry[]): Promise<boolean> {
    if (entries.length === 0 || bus.state === 'down') return false
    const due = entries.filter(({ conversationId }) => isDue(conversationId))
    const messages = due.filter((entry) => entry.kind === 'message')
    const changes = due.filter((entry) => entry.kind !== 'message')
    const published: Entry[] = []
    const refused = new Set<string>()
    const addressed = Map.groupBy(messages.filter(isAddressed), conversationOf)
    await eachAtOnce(EVENTS_AT_ONCE, [...addressed], async ([id, own]) => {
      if (!closed && !(await publish(addressedIn(own)))) refused.add(id)
    })
    // A conversation whose event was refused waits as a whole: all its messages count as told at once.
    const rest = messages.filter(({ conversationId }) => !refused.has(conversationId))
    await Promise.all([
      eachAtOnce(EVENTS_AT_ONCE, newsIn(rest), async (event) => {
        const ids = new Set(event.data.conversations.map(({ conversationId }) => conversationId))
        if (closed) return
        if (await publish(event)) published.push(...rest.filter(({ conversationId }) => ids.has(conversationId)))
        else for (const id of ids) refused.add(id)
      }),
      eachAtOnce(CONVERSATIONS_AT_ONCE, [...Map.groupBy(changes, conversationOf)], async ([id, own]) => {
        // Where the bus refused something it is asked with one event, not flooded.
        await eachAtOnce(waiting.has(id) ? 1 : EVENTS_AT_ONCE, own, async (entry) => {
          if (closed || refused.has(id)) return
          if (await publish(changeOf(entry))) published.push(entry)
          else refused.add(id)
        })
      }),
    ])
    for (const id of new Set(due.map(conversationOf))) {
      if (refused.has(id)) holdBack(id)
      else waiting.delete(id)
    }
    // What waits must not fill the window: the rest would never be seen.
    batch = Math.min(MAX_BATCH, BATCH + (entries.length - published.length))
    if (published.length === 0) return false
    await mark(published)
    return entries.length >= BATCH
  }

  async function mark(published: readonly Entry[]): Promise<void> {
    crashPoint('relay.before-mark')
    await log.relayed(published)
    crashPoint('relay.after-mark')
  }

  /** What nobody hears of is as good as published. */
  async function publish(event: BusEvent): Promise<boolean> {
    try {
      crashPoint('relay.before-publish')
      if (bus.hears(event.type)) await bus.publish(event)
      else crashPoint('relay.before-confirm')
      return true
    } catch (error) {
      logger.warn({ err: error, event: event.id }, 'the bus did not take an event')
      return false
    }
  }

  function holdBack(conversationId: string): void {
    const tries = (waiting.get(conversationId)?.tries ?? 0) + 1
    const delay = Math.min(MAX_DELAY_MS, 250 * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2)
    waiting.set(conversationId, { tries, until: performance.now() + delay })
  }

  const isDue = (id: string): boolean => (waiting.get(id)?.until ?? 0) <= performance.now()

  const commits = log.onCommit(wake)
  const states = bus.onState((state) => {
    if (state !== 'up') return
    untold = true
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
      closing = true
      // One last pass, so that a graceful stop leaves nothing for others to wait for.
      wake()
      await running
      closed = true
      await looking
    },
  }
}

/** What devices need to hear of to know what they missed: the latest of each conversation, and all removals. */
function newsOf(entries: readonly Entry[]): Entry[] {
  const latest = new Map(entries.map((entry) => [entry.conversationId, entry]))
  return entries.filter((entry) => entry.kind === 'members.removed' || latest.get(entry.conversationId) === entry)
}
