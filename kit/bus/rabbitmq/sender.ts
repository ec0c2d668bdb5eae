import type { Channel, ConsumeMessage } from 'amqplib'
import type { Delivery } from '../bus.ts'
import { ALL_NODES, DELIVERIES, MOST_KEYS } from '../topology.ts'
import type { Session } from './link.ts'

/** The sending end of deliveries. */
export interface Sender {
  /** To be called on each new session. */
  open(session: Session): Promise<void>
  /** Fire and forget: dropped without a session, and while the channel's buffer (4,096 frames) is full. `node` marks its origin. */
  send(node: string, delivery: Delivery): void
}

/** A sender without a session yet: until `open` it drops everything. */
export function openSender(): Sender {
  let channel: Channel | undefined
  let full = false

  return {
    async open(session) {
      const opened = await session.openChannel('sending')
      opened.on('drain', () => {
        full = false
      })
      opened.on('close', () => {
        if (channel === opened) channel = undefined
      })
      full = false
      channel = opened
    },

    send(node, { partitions, body }) {
      if (!channel || full || partitions.length === 0) return
      const everybody = partitions.length > MOST_KEYS
      const keys = everybody ? [ALL_NODES] : partitions.map(String)
      const headers = everybody ? { [PARTITIONS]: partitions.join() } : {}
      try {
        full = !channel.publish(DELIVERIES, keys[0]!, body, { CC: keys.slice(1), headers, appId: node })
      } catch {
        // The channel is closing; its `close` follows.
      }
    },
  }
}

/** The partitions that a delivery was sent to. */
export function partitionsOf({ fields, properties }: ConsumeMessage): number[] {
  const listed = properties.headers?.[PARTITIONS]
  if (typeof listed === 'string') return listed.split(',').map(Number)
  const copies: string[] = properties.headers?.CC ?? []
  return [fields.routingKey, ...copies].map(Number)
}

/** Names the partitions when there are too many for routing keys. */
const PARTITIONS = 'parley-partitions'
