import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Log } from '../../log.ts'
import type { Delivery } from '../bus.ts'
import { ALL_NODES, DELIVERIES, TRANSIENT } from '../topology.ts'
import { type Part, part } from './part.ts'
import { isLost, partitionsOf } from './sender.ts'

/** The receiving end of a node's deliveries. */
export interface Mailbox extends Part {
  bind(partition: number): Promise<void>
  unbind(partition: number): void
}

/** Opens a mailbox: a queue of its own, bound anew to all its partitions on each session. `node` marks what itself has sent; `lost` hears that some node has lost deliveries. */
export function mailbox(node: string, receive: (delivery: Delivery) => void, lost: () => void, log: Log): Mailbox {
  /** Each with the moment from which it is bound: thousands of devices may ask for the same at once, and the broker answers one after another. */
  const partitions = new Map<number, Promise<void>>()
  let bound: { channel: Channel; queue: string } | undefined

  const box = part({
    purpose: 'deliveries',
    async start(channel, session) {
      const queue = `node.${randomUUID()}`
      channel.on('close', () => {
        if (bound?.channel === channel) bound = undefined
      })
      await channel.assertQueue(queue, TRANSIENT)
      await channel.bindQueue(queue, DELIVERIES, ALL_NODES)
      // From here on `bind` and `unbind` go to this channel too; it keeps their order.
      bound = { channel, queue }
      await Promise.all(
        [...partitions.keys()].map((partition) => channel.bindQueue(queue, DELIVERIES, String(partition))),
      )
      await channel.consume(
        queue,
        (message) => {
          if (!message) return session.fail(new Error(`RabbitMQ has ended the consumer of ${queue}`))
          if (isLost(message)) lost()
          else if (message.properties.appId !== node) take(message)
        },
        { noAck: true },
      )
    },
  })

  return {
    ...box,

    bind(partition) {
      const known = partitions.get(partition)
      if (known) return known
      const binding = bindNow(partition)
      partitions.set(partition, binding)
      return binding
    },

    unbind(partition) {
      partitions.delete(partition)
      bound?.channel.unbindQueue(bound.queue, DELIVERIES, String(partition)).catch(() => {})
    },
  }

  async function bindNow(partition: number): Promise<void> {
    // A connection that breaks here comes back with this partition bound.
    await bound?.channel.bindQueue(bound.queue, DELIVERIES, String(partition)).catch(() => {})
  }

  function take(message: ConsumeMessage): void {
    try {
      receive({ partitions: partitionsOf(message), body: message.content })
    } catch (error) {
      log.error({ err: error }, 'a delivery could not be taken')
    }
  }
}
