import { randomUUID } from 'node:crypto'
import { type BusEvent, type BusEventType, SUBSCRIPTIONS, type SubscriptionName } from '@parley/protocol/events'
import type { Log } from '../log.ts'
import type { Bus } from './bus.ts'
import { encodeEvent } from './event.ts'
import { openLosses } from './losses.ts'
import { consumer } from './rabbitmq/consumer.ts'
import { openLink, type Session } from './rabbitmq/link.ts'
import { listener } from './rabbitmq/listener.ts'
import { mailbox } from './rabbitmq/mailbox.ts'
import type { Part } from './rabbitmq/part.ts'
import { openPublisher } from './rabbitmq/publisher.ts'
import { openSender } from './rabbitmq/sender.ts'
import { declareTopology, EVENTS, RETRY_DELAYS_MS } from './topology.ts'

export interface RabbitOptions {
  log: Log
  /** Shown in RabbitMQ's list of connections. */
  name?: string
  /** The waiting times of a refused event. All services of one broker use the same; tests use shorter ones. */
  retryDelaysMs?: readonly number[]
  /** How long `publish` waits for the broker's confirm before it answers `unavailable`. */
  confirmTimeoutMs?: number
  /** Publishes that wait for their confirm at once; above it they are refused with `unavailable`. */
  outstanding?: number
  /** Events of one subscription being handled at once. */
  prefetch?: number
  /** How long closing waits for handlers that run. */
  closeMs?: number
  /** Seconds. A broker that is silent for two to three of them is given up. */
  heartbeatS?: number
}

/**
 * The event bus on RabbitMQ. Returns at once, with `state` down; connects in the background and reconnects for ever.
 * `subscribe`, `listen` and `openDeliveries` resolve when they are consuming, or at once while the bus is down: they
 * then begin with the connection.
 *
 * Two connections, since a broker short of memory or disk stops reading from those that publish, and must not stop
 * reading acknowledgements. While that lasts the state is `down`: publishes are refused, deliveries are dropped.
 */
export function rabbitBus(url: string, options: RabbitOptions): Bus {
  const { log, name = 'parley', retryDelaysMs = RETRY_DELAYS_MS, prefetch = 32, closeMs = 5_000 } = options
  const { confirmTimeoutMs = 5_000, outstanding = 1_000, heartbeatS = 2 } = options
  const publisher = openPublisher({ confirmTimeoutMs, outstanding })
  const sender = openSender(() => losses.note())
  /** This node has lost something: the others are told. */
  const losses = openLosses(() => !publisher.blocked && sender.sendLost())
  /** Some node has. Many may say so: told of once. */
  const heard = openLosses(() => {
    if (state === 'up') tellState()
    return true // While it is down, the coming `up` says it.
  })
  const parts = new Set<Part>()
  const watchers = new Set<(state: 'up' | 'down') => void>()
  let state: 'up' | 'down' = 'down'
  let consumingOn: Session | undefined

  const publishing = openLink(url, {
    name: `${name} publishing`,
    log,
    heartbeatS,
    async setup(session) {
      await declare(session)
      await publisher.open(session)
      await sender.open(session)
    },
    onChange: refresh,
    onBlocked(blocked) {
      publisher.blocked = blocked
      refresh()
    },
  })
  const consuming = openLink(url, {
    name: `${name} consuming`,
    log,
    heartbeatS,
    async setup(session) {
      await declare(session)
      // A part added meanwhile is met by this loop too, or by `begin` from the next line on.
      for (const part of parts) await part.open(session)
      consumingOn = session
    },
    onChange() {
      consumingOn = consuming.session
      refresh()
    },
    onBlocked() {},
  })

  return {
    get state() {
      return state
    },

    onState(handle) {
      const watcher = (now: 'up' | 'down') => handle(now)
      watchers.add(watcher)
      return { [Symbol.dispose]: () => void watchers.delete(watcher) }
    },

    // Only the broker knows.
    hears: () => true,

    publish: (event) =>
      publisher.publish(EVENTS, event.type, encodeEvent(event), {
        persistent: true,
        mandatory: SUBSCRIBED.has(event.type),
        contentType: 'application/json',
        messageId: event.id,
        type: event.type,
        timestamp: Math.floor(Date.parse(event.occurredAt) / 1_000),
      }),

    subscribe<N extends SubscriptionName>(subscription: N, handle: (event: Taken<N>) => Promise<void>) {
      const types: readonly TakenType<N>[] = SUBSCRIPTIONS[subscription]
      return begin(consumer({ subscription, types, handle, publisher, retryDelaysMs, prefetch, closeMs, log }))
    },

    listen: (types, handle) => begin(listener(types, handle, log)),

    async openDeliveries(receive) {
      const node = randomUUID()
      const box = mailbox(node, receive, heard.note, log)
      const begun = await begin(box)
      return {
        bind: (partition) => box.bind(partition),
        unbind: (partition) => box.unbind(partition),
        // Who else is there only the broker knows.
        alone: () => false,
        publish(delivery) {
          if (!publisher.blocked) sender.send(node, delivery)
        },
        lost: losses.note,
        [Symbol.asyncDispose]: () => begun[Symbol.asyncDispose](),
      }
    },

    async [Symbol.asyncDispose]() {
      losses[Symbol.dispose]()
      heard[Symbol.dispose]()
      const open = [...parts]
      parts.clear()
      await Promise.all(open.map((part) => part.close()))
      await Promise.all([consuming[Symbol.asyncDispose](), publishing[Symbol.asyncDispose]()])
    },
  }

  async function begin(part: Part): Promise<AsyncDisposable> {
    parts.add(part)
    const session = consumingOn
    if (session) {
      // Half open is not a state: a new session opens all parts from the start.
      await part.open(session).catch((error) => session.fail(new Error('could not begin to consume', { cause: error })))
    }
    return {
      async [Symbol.asyncDispose]() {
        parts.delete(part)
        await part.close()
      },
    }
  }

  async function declare(session: Session): Promise<void> {
    const channel = await session.openChannel('declaring')
    await declareTopology(channel, retryDelaysMs)
    await session.closeChannel(channel)
  }

  function refresh(): void {
    const now = publishing.session && consuming.session && !publisher.blocked ? 'up' : 'down'
    if (now === state) return
    state = now
    tellState()
  }

  function tellState(): void {
    for (const watcher of watchers) {
      try {
        watcher(state)
      } catch (error) {
        log.error({ err: error }, 'a watcher of the event bus has thrown')
      }
    }
  }
}

type TakenType<N extends SubscriptionName> = (typeof SUBSCRIPTIONS)[N][number]
type Taken<N extends SubscriptionName> = Extract<BusEvent, { type: TakenType<N> }>

/** Types that some subscription takes: for those, a publish that reaches no queue is an error. */
const SUBSCRIBED: ReadonlySet<BusEventType> = new Set(Object.values(SUBSCRIPTIONS).flat())
