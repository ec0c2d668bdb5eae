import { setTimeout as delay } from 'node:timers/promises'
import type { BusEvent, BusEventType } from '@parley/protocol/events'
import type { Channel, ConsumeMessage } from 'amqplib'
import { crashPoint } from '../../crash.ts'
import { Fault } from '../../fault.ts'
import type { Log } from '../../log.ts'
import { decodeEvent } from '../event.ts'
import { deadQueue, retryQueue } from '../topology.ts'
import { atMost, type Part, part } from './part.ts'
import type { Publisher } from './publisher.ts'

export interface ConsumerOptions<T extends BusEventType> {
  subscription: string
  types: readonly T[]
  handle: (event: Extract<BusEvent, { type: T }>) => Promise<void>
  publisher: Publisher
  retryDelaysMs: readonly number[]
  /** Events being handled at once. */
  prefetch: number
  /** How long closing waits for the handlers that run. */
  closeMs: number
  log: Log
}

/** Carried by a refused event: how often it was refused, and why the last time. */
export const ATTEMPTS = 'parley-attempts'
export const REASON = 'parley-reason'

/**
 * Consumes a durable subscription. An event leaves its queue only when it was handled, or when the broker has confirmed its
 * copy in the next queue of the ladder or in the dead-letter queue; so a crash anywhere repeats it and never loses it.
 */
export function consumer<T extends BusEventType>(options: ConsumerOptions<T>): Part {
  const { subscription, types, handle, publisher, retryDelaysMs, log } = options
  const running = new Set<Promise<void>>()
  const closing = new AbortController()
  let stop = async () => {}

  return part({
    purpose: subscription,
    async start(channel, session) {
      const alive = new AbortController()
      channel.on('close', () => alive.abort())
      await channel.prefetch(options.prefetch)
      const { consumerTag } = await channel.consume(subscription, (message) => {
        if (!message) return session.fail(new Error(`RabbitMQ has ended the consumer of ${subscription}`))
        const work = take(channel, message, alive.signal).finally(() => running.delete(work))
        running.add(work)
      })
      stop = async () => {
        if (!alive.signal.aborted) await channel.cancel(consumerTag)
      }
    },
    async finish() {
      closing.abort()
      await atMost(
        options.closeMs,
        stop().then(() => Promise.all(running)),
      )
    },
  })

  async function take(channel: Channel, message: ConsumeMessage, alive: AbortSignal): Promise<void> {
    const refusal = await attempt(message)
    if (refusal && !(await passOn(message, refusal, alive))) return
    crashPoint('consumer.before-ack')
    try {
      channel.ack(message)
    } catch {
      // The channel has gone, and with it the event, back to its queue: it will be handled again.
    }
  }

  async function attempt(message: ConsumeMessage): Promise<Refusal | undefined> {
    let event: Extract<BusEvent, { type: T }>
    try {
      event = decodeEvent(message.content, types)
    } catch (error) {
      return { error, final: true }
    }
    try {
      await handle(event)
      return undefined
    } catch (error) {
      return { error, final: error instanceof Fault && error.code === 'validation.failed' }
    }
  }

  /**
   * Copies a refused event to where it waits. Tries as long as the channel stands, since giving the event back would only
   * have it at once again; false when the channel has gone, and with it the event, back to its queue.
   */
  async function passOn(message: ConsumeMessage, { error, final }: Refusal, alive: AbortSignal): Promise<boolean> {
    const attempts = Number(message.properties.headers?.[ATTEMPTS] ?? 0) + 1
    const delayMs = final ? undefined : retryDelaysMs[attempts - 1]
    const queue = delayMs === undefined ? deadQueue(subscription) : retryQueue(subscription, delayMs)
    const about = { subscription, event: message.properties.messageId, attempts, err: error }
    if (delayMs === undefined) log.error(about, 'dead letter: an event could not be handled')
    else log.warn({ ...about, delayMs }, 'an event was refused and will be tried again')

    const { contentType, messageId, timestamp, type } = message.properties
    const headers = { [ATTEMPTS]: attempts, [REASON]: reasonOf(error) }
    const properties = { contentType, messageId, timestamp, type, headers, persistent: true, mandatory: true }
    const stopped = AbortSignal.any([alive, closing.signal])
    for (;;) {
      try {
        await publisher.publish('', queue, message.content, properties)
        return true
      } catch (cause) {
        log.debug({ ...about, err: cause }, 'a refused event cannot be passed on yet')
        await delay(1_000, undefined, { signal: stopped }).catch(() => {})
        if (stopped.aborted) return false
      }
    }
  }
}

interface Refusal {
  error: unknown
  /** Trying again cannot help: the bytes are not an event that we know, or hold what none of its kind does. */
  final: boolean
}

/** For the person who reads the dead-letter queue. Bounded, since headers must fit one frame. */
function reasonOf(error: unknown): string {
  return String(error instanceof Error ? (error.stack ?? error.message) : error).slice(0, 1_000)
}
