import { randomUUID } from 'node:crypto'
import type { BusEvent, BusEventType } from '@parley/protocol/events'
import type { Log } from '../../log.ts'
import { decodeEvent } from '../event.ts'
import { EVENTS, TRANSIENT } from '../topology.ts'
import { type Part, part } from './part.ts'

/** Hears events as they pass, by a queue of its own that is gone with the session. */
export function listener(types: readonly BusEventType[], handle: (event: BusEvent) => void, log: Log): Part {
  return part({
    purpose: 'listening',
    async start(channel, session) {
      const queue = `listen.${randomUUID()}`
      await channel.assertQueue(queue, TRANSIENT)
      for (const type of types) await channel.bindQueue(queue, EVENTS, type)
      await channel.consume(
        queue,
        (message) => {
          if (!message) return session.fail(new Error(`RabbitMQ has ended the consumer of ${queue}`))
          hear(message.content)
        },
        { noAck: true },
      )
    },
  })

  function hear(bytes: Buffer): void {
    try {
      handle(decodeEvent(bytes, types))
    } catch (error) {
      log.error({ err: error }, 'a listener could not take an event')
    }
  }
}
