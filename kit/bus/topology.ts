import { SUBSCRIPTIONS } from '@parley/protocol/events'
import type { Channel, Options } from 'amqplib'

/**
 * Everything that Parley declares in RabbitMQ (3.10 or later: message TTL and at-least-once dead-lettering in quorum queues).
 * Only here: two services that declare one queue with different arguments would shut each other out (406 PRECONDITION_FAILED).
 *
 * ```
 * events (topic) ── type ──► chat.users ──► a consumer ── ok ──► ack
 *                              ▲    │            └ refused ──► chat.users.retry.5000, .30000, … ── TTL ──┐
 *                              │    └ delivered 20 times, never settled ──► chat.users.dead ◄── last try ┤
 *                              └────────────────────────────────────────────────────────────────────────┘
 * deliveries (direct) ── partition | all ──► node.<uuid>, exclusive to one chat node
 * ```
 */
export const EVENTS = 'events'
export const DELIVERIES = 'deliveries'

/** The routing key that reaches every node's mailbox. */
export const ALL_NODES = 'all'
/** Deliveries to more partitions than this go to all nodes: so many routing keys would cost more than they spare. */
export const MOST_KEYS = 32

/** The waiting times of a refused event. After the last it becomes a dead letter. */
export const RETRY_DELAYS_MS: readonly number[] = [5_000, 30_000, 300_000, 3_600_000]

/** Where an event that the subscription has refused waits. The delay is part of the name, so that another ladder is another queue. */
export function retryQueue(subscription: string, delayMs: number): string {
  return `${subscription}.retry.${delayMs}`
}

/** Where what a subscription could not take waits for a person. */
export function deadQueue(subscription: string): string {
  return `${subscription}.dead`
}

/** Declares exchanges, and for each subscription its queue, its ladder and its dead-letter queue. Changes nothing that is there already. */
export async function declareTopology(channel: Channel, retryDelaysMs: readonly number[]): Promise<void> {
  await channel.assertExchange(EVENTS, 'topic', { durable: true })
  await channel.assertExchange(DELIVERIES, 'direct', { durable: true })
  for (const [subscription, types] of Object.entries(SUBSCRIPTIONS)) {
    await channel.assertQueue(deadQueue(subscription), quorum({}))
    for (const delayMs of retryDelaysMs) {
      await channel.assertQueue(
        retryQueue(subscription, delayMs),
        quorum({ 'x-message-ttl': delayMs, ...deadLettersTo(subscription) }),
      )
    }
    await channel.assertQueue(
      subscription,
      quorum({
        'x-delivery-limit': DELIVERY_LIMIT,
        // Above it publishes are nacked, and wait in the publisher's outbox, on disk.
        'x-max-length': 1_000_000,
        ...deadLettersTo(deadQueue(subscription)),
      }),
    )
    for (const type of types) await channel.bindQueue(subscription, EVENTS, type)
  }
}

/** How often an event may be handed out without being settled (its consumer died each time) before it is a dead letter. */
export const DELIVERY_LIMIT = 20

/** A queue of one process, gone with its connection. Bounded: a process that stands still loses the oldest, and hears of a gap when it is back. */
export const TRANSIENT: Options.AssertQueue = {
  exclusive: true,
  autoDelete: true,
  durable: false,
  arguments: { 'x-max-length': 10_000, 'x-max-length-bytes': 64_000_000, 'x-overflow': 'drop-head' },
}

function quorum(more: Record<string, unknown>): Options.AssertQueue {
  return { durable: true, arguments: { 'x-queue-type': 'quorum', ...more } }
}

/** At least once: the message leaves its queue only when the next has confirmed it. RabbitMQ demands reject-publish for that. */
function deadLettersTo(queue: string): Record<string, unknown> {
  return {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
}
