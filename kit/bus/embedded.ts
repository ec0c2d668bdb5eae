import { type BusEvent, type BusEventType, SUBSCRIPTIONS } from '@parley/protocol/events'
import { crashPoint } from '../crash.ts'
import { Fault } from '../fault.ts'
import type { Log } from '../log.ts'
import type { Bus, Deliveries, Delivery } from './bus.ts'
import { openLosses } from './losses.ts'

export interface EmbeddedOptions {
  log: Log
  /** How long `publish` waits for a handler before it answers `unavailable`. */
  publishTimeoutMs?: number
  /** An event is a dead letter for a subscriber that has refused it this often and for this long. Both must hold. */
  deadAfter?: { refusals: number; ms: number }
  /** Publishes under way at once; above it they are refused with `unavailable`. */
  publishesAtOnce?: number
}

/** Refusals remembered at once, over all events. Beyond it the oldest is forgotten: that event is tried longer. */
const REMEMBERED = 10_000

/**
 * The event bus inside one process. What holds, exactly:
 *
 * - It stores nothing. `publish` calls one handler of each subscription that takes the event, and resolves when all have
 *   resolved: what the handlers have committed is then as durable as their stores.
 * - When a handler rejects, takes too long, or no handler is there yet, `publish` rejects with `unavailable`. The publisher's
 *   outbox is the retry queue: it is durable, and it publishes the event again. Those who had taken it then see it twice.
 * - An event that one subscriber refuses for `deadAfter` (5 times and 60 s) becomes a dead letter: an error line names
 *   event and reason, and from then on that subscriber is left out of it, so that `publish` can resolve and an outbox that
 *   works in order moves on. A refusal with `unavailable` (the handler's store is away) never counts, however long it lasts; one with
 *   `validation.failed` is the last.
 * - Events do not wait for each other here. After a crash, counting starts anew.
 * - `listen` and deliveries are called in a later microtask; with one mailbox there is nothing to deliver.
 */
export function embeddedBus(options: EmbeddedOptions): Bus {
  const { log, publishTimeoutMs = 5_000, deadAfter = { refusals: 5, ms: 60_000 }, publishesAtOnce = 1_000 } = options
  const subscriptions = new Map(Object.entries(SUBSCRIPTIONS).map(([name, types]) => [name, subscription(name, types)]))
  const listeners = new Set<{ types: readonly BusEventType[]; handle: (event: BusEvent) => void }>()
  const mailboxes = new Set<Mailbox>()
  const watchers = new Set<(state: 'up') => void>()
  const losses = openLosses(() => {
    for (const watcher of watchers) later(() => watcher('up'))
    return true
  })
  const refusals = new Map<string, { count: number; since: number; dead: boolean }>()
  let publishing = 0
  let closed = false

  return {
    state: 'up',
    onState(handle) {
      const watcher = (state: 'up') => handle(state)
      watchers.add(watcher)
      return { [Symbol.dispose]: () => void watchers.delete(watcher) }
    },

    async publish(event) {
      if (closed) throw new Fault('unavailable', 'The event bus is closed')
      if (publishing >= publishesAtOnce) throw new Fault('unavailable', 'The event bus has too much under way')
      publishing++
      try {
        const takers = [...subscriptions.values()].filter((s) => s.types.includes(event.type))
        await Promise.all(takers.map((taker) => offer(taker, event)))
        tellListeners(event)
        crashPoint('relay.before-confirm')
      } finally {
        publishing--
      }
    },

    hears: (type) =>
      [...subscriptions.values(), ...listeners].some((one) => (one.types as readonly string[]).includes(type)),

    async subscribe(name, handle) {
      const { consumers } = subscriptions.get(name)!
      const consumer: Consumer = { handle: handle as Handle, running: new Set() }
      consumers.push(consumer)
      return {
        async [Symbol.asyncDispose]() {
          const at = consumers.indexOf(consumer)
          if (at >= 0) consumers.splice(at, 1)
          await within(publishTimeoutMs, Promise.allSettled(consumer.running)).catch(() => {})
        },
      }
    },

    async listen(types, handle) {
      const listener = { types, handle }
      listeners.add(listener)
      return { [Symbol.asyncDispose]: async () => void listeners.delete(listener) }
    },

    async openDeliveries(receive) {
      const mailbox: Mailbox = { receive, partitions: new Set() }
      mailboxes.add(mailbox)
      return deliveries(mailbox)
    },

    async [Symbol.asyncDispose]() {
      closed = true
      losses[Symbol.dispose]()
      const running = [...subscriptions.values()].flatMap((s) => s.consumers.flatMap((c) => [...c.running]))
      await within(publishTimeoutMs, Promise.allSettled(running)).catch(() => {})
      for (const { consumers } of subscriptions.values()) consumers.length = 0
      listeners.clear()
      mailboxes.clear()
    },
  }

  /** Resolves when the subscription has the event behind it: handled, or a dead letter. */
  async function offer(taker: Subscription, event: BusEvent): Promise<void> {
    const memory = `${taker.name} ${event.id}`
    if (refusals.get(memory)?.dead) return
    const consumer = taker.consumers.shift()
    if (!consumer) throw new Fault('unavailable', `Nobody takes ${taker.name} yet`)
    taker.consumers.push(consumer)
    try {
      await within(publishTimeoutMs, run(consumer, event))
    } catch (error) {
      if (isDead(memory, error)) {
        log.error(
          { subscription: taker.name, event: event.id, type: event.type, key: event.key, rev: event.rev, err: error },
          'dead letter: the subscriber has refused this event for good, it goes on without it',
        )
        return
      }
      throw new Fault('unavailable', `${taker.name} could not take the event`, { cause: error })
    }
    refusals.delete(memory)
    crashPoint('consumer.before-ack')
  }

  function isDead(memory: string, error: unknown): boolean {
    if (error instanceof Fault && error.code === 'unavailable') return false
    const refusal = refusals.get(memory) ?? { count: 0, since: performance.now(), dead: false }
    refusal.count++
    const tooOften = refusal.count >= deadAfter.refusals && performance.now() - refusal.since >= deadAfter.ms
    refusal.dead = tooOften || (error instanceof Fault && error.code === 'validation.failed')
    refusals.set(memory, refusal)
    if (refusals.size > REMEMBERED) refusals.delete(refusals.keys().next().value!)
    return refusal.dead
  }

  function tellListeners(event: BusEvent): void {
    for (const { types, handle } of listeners) if (types.includes(event.type)) later(() => handle(event))
  }

  function deliveries(mailbox: Mailbox): Deliveries {
    return {
      bind: async (partition) => void mailbox.partitions.add(partition),
      unbind: (partition) => void mailbox.partitions.delete(partition),
      alone: () => mailboxes.size === 1 && mailboxes.has(mailbox),
      publish(delivery) {
        for (const other of mailboxes) {
          if (other === mailbox || !delivery.partitions.some((p) => other.partitions.has(p))) continue
          later(() => other.receive(delivery))
        }
      },
      lost: losses.note,
      [Symbol.asyncDispose]: async () => void mailboxes.delete(mailbox),
    }
  }

  /** Later, so that no publisher runs inside a receiver; and a receiver that throws harms nobody else. */
  function later(call: () => void): void {
    queueMicrotask(() => {
      try {
        call()
      } catch (error) {
        log.error({ err: error }, 'a receiver of the event bus has thrown')
      }
    })
  }
}

type Handle = (event: BusEvent) => Promise<void>

interface Consumer {
  handle: Handle
  running: Set<Promise<void>>
}

/** `consumers` take turns: the first is next. */
interface Subscription {
  name: string
  types: readonly BusEventType[]
  consumers: Consumer[]
}

interface Mailbox {
  receive(delivery: Delivery): void
  partitions: Set<number>
}

function subscription(name: string, types: readonly BusEventType[]): Subscription {
  return { name, types, consumers: [] }
}

async function run(consumer: Consumer, event: BusEvent): Promise<void> {
  const handled = (async () => consumer.handle(event))()
  consumer.running.add(handled)
  try {
    await handled
  } finally {
    consumer.running.delete(handled)
  }
}

/** Rejects when the work takes longer than `ms`; the work goes on. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(reject, ms, new Error('It takes too long'))
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
