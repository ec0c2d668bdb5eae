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
  /** Tells every mailbox that something was lost. False, and nobody is told, while nothing can be sent. */
  sendLost(): boolean
}

/** A sender without a session yet: until `open` it drops everything. `dropped` is called for what a full buffer did not take. */
export function openSender(dropped: () => void): Sender {
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
      if (!channel || partitions.length === 0) return
      if (full) return dropped()
      const everybody = partitions.length > MOST_KEYS
      const keys = everybody ? [ALL_NODES] : partitions.map(String)
      const headers = everybody ? { [PARTITIONS]: partitions.join() } : {}
      try {
        full = !channel.publish(DELIVERIES, keys[0]!, body, { CC: keys.slice(1), headers, appId: node })
      } catch {
        // The channel is closing; its `close` follows.
      }
    },

    sendLost() {
      if (!channel || full) return false
      try {
        full = !channel.publish(DELIVERIES, ALL_NODES, Buffer.alloc(0), { headers: { [LOST]: true } })
        return true
      } catch {
        return false
      }
    },
  }
}

/** Whether it is no delivery, but says that some were lost. */
export function isLost({ properties }: ConsumeMessage): boolean {
  return properties.headers?.[LOST] === true
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
const LOST = 'parley-lost'
