import { setTimeout as delay } from 'node:timers/promises'
import { SUBSCRIPTIONS, type SubscriptionName } from '@parley/protocol/events'
import { type ChannelModel, type ConfirmChannel, connect, type GetMessage } from 'amqplib'
import { ATTEMPTS, REASON } from './rabbitmq/consumer.ts'
import { deadQueue } from './topology.ts'

/** An event that its subscription could not take, as a person may see it: nothing of what is in it. */
export interface DeadLetter {
  subscription: SubscriptionName
  id: string
  type: string
  /** When it happened, to the second. */
  occurredAt?: string
  /** How often it was refused; absent where it was never answered at all. */
  attempts?: number
  reason: string
}

/** The dead letters of a broker, for the person who looks after it. */
export interface DeadLetters extends AsyncDisposable {
  /** Those of the subscription, the oldest first, at most `limit`. They stay where they are. */
  list(subscription: SubscriptionName, limit: number): Promise<DeadLetter[]>
  /**
   * Gives those with that id (all, without one) to their subscription again, which tries them as if they were new; how many.
   * One leaves the dead letters only when the broker has confirmed its copy: whatever breaks off is simply done again, and who
   * consumes knows what comes twice.
   */
  replay(subscription: SubscriptionName, id?: string): Promise<number>
  /** Removes those with that id (all, without one) for good; how many. */
  drop(subscription: SubscriptionName, id?: string): Promise<number>
}

export const SUBSCRIPTION_NAMES = Object.keys(SUBSCRIPTIONS) as SubscriptionName[]

/** So many are looked at to find one; what is held meanwhile is in memory. */
const LOOKED_AT = 10_000

/** Connects, or rejects with what is wrong with the broker. */
export async function openDeadLetters(url: string): Promise<DeadLetters> {
  const model = await connect(url, { timeout: 5_000 })
  model.on('error', () => {}) // Each call rejects by itself.

  /** Hands `act` each of those that are there now, at most `most`; what it does not settle is given back. */
  async function each(
    subscription: SubscriptionName,
    most: number,
    act: (letter: GetMessage, channel: ConfirmChannel) => Promise<void> | void,
  ): Promise<void> {
    const queue = deadQueue(subscription)
    const waiting = await countOf(model, queue)
    if (waiting === 0) return
    const channel = await model.createConfirmChannel()
    channel.on('error', () => {})
    try {
      // No more than there were: what is given back or dies anew meanwhile is not met again.
      for (let n = 0; n < Math.min(waiting, most); n++) {
        const letter = await channel.get(queue)
        if (letter === false) break
        await act(letter, channel)
      }
      channel.nackAll(true)
    } finally {
      await channel.close().catch(() => {})
    }
  }

  return {
    async list(subscription, limit) {
      const letters: DeadLetter[] = []
      await each(subscription, limit, (letter) => void letters.push(seen(subscription, letter)))
      return letters
    },

    async replay(subscription, id) {
      let replayed = 0
      await each(subscription, id === undefined ? Number.POSITIVE_INFINITY : LOOKED_AT, async (letter, channel) => {
        if (id !== undefined && letter.properties.messageId !== id) return
        await copyTo(channel, subscription, letter)
        channel.ack(letter)
        replayed++
      })
      return replayed
    },

    async drop(subscription, id) {
      let dropped = 0
      await each(subscription, id === undefined ? Number.POSITIVE_INFINITY : LOOKED_AT, (letter, channel) => {
        if (id !== undefined && letter.properties.messageId !== id) return
        channel.ack(letter)
        dropped++
      })
      return dropped
    },

    async [Symbol.asyncDispose]() {
      await Promise.race([model.close().catch(() => {}), delay(2_000, undefined, { ref: false })])
    },
  }
}

/** How many are in the queue; none where no service has declared it yet. */
async function countOf(model: ChannelModel, queue: string): Promise<number> {
  const channel = await model.createChannel()
  channel.on('error', () => {})
  try {
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  } catch (error) {
    if ((error as { code?: number }).code === 404) return 0
    throw error
  }
}

/** Resolves when the broker has the copy in the queue. It has no count of refusals: the ladder begins anew. */
async function copyTo(channel: ConfirmChannel, queue: string, { content, properties }: GetMessage): Promise<void> {
  const { contentType, messageId, timestamp, type } = properties
  const returned = Promise.withResolvers<never>()
  returned.promise.catch(() => {})
  const back = (): void => returned.reject(new Error(`There is no queue ${queue}`))
  channel.once('return', back)
  const confirmed = new Promise<void>((resolve, reject) => {
    const options = { contentType, messageId, timestamp, type, persistent: true, mandatory: true }
    channel.publish('', queue, content, options, (error) => (error ? reject(error) : resolve()))
  })
  try {
    await Promise.race([confirmed, returned.promise])
  } finally {
    channel.off('return', back)
  }
}

function seen(subscription: SubscriptionName, { properties }: GetMessage): DeadLetter {
  const { messageId, type, timestamp, headers = {} } = properties
  const attempts = headers[ATTEMPTS]
  const reason = headers[REASON] ?? headers['x-death']?.[0]?.reason ?? 'unknown'
  return {
    subscription,
    id: line(messageId ?? 'none'),
    type: line(type ?? 'unknown'),
    ...(typeof timestamp === 'number' && { occurredAt: new Date(timestamp * 1_000).toISOString() }),
    ...(attempts !== undefined && { attempts: Number(attempts) }),
    reason: withoutSecrets(String(reason)),
  }
}

/** The first line of what went wrong, without what it may quote: addresses, links, pieces of what could not be read. */
export function withoutSecrets(reason: string): string {
  return line(
    (reason.split(/[\r\n]/, 1)[0] ?? '')
      .replace(/"[^"]*("|$)|'[^']{2,}('|$)|`[^`]*(`|$)/g, '…')
      .replace(/\S*(:\/\/|@|#)\S*/g, '…'),
  )
}

const line = (text: unknown): string =>
  String(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 200)
