import { setTimeout as pause } from 'node:timers/promises'
import { EVENTS } from '@parley/kit/bus/topology'
import type { BusEvent } from '@parley/protocol/events'
import { connect } from 'amqplib'

const QUEUE = 'faults.watch'
/** No message for so long means that the queue is empty. */
const QUIET_MS = 2_000
const READ_MS = 60_000

/** Keeps a copy of every event that tells of messages in a durable queue beside those of the services: what the bus really carried. */
export async function watchBus(url: string): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(QUEUE, EVENTS, 'messages.created')
  await connection.close()
}

/** Of each conversation, up to which message the bus has told of since `watchBus`. */
export async function readWatched(url: string): Promise<Record<string, number>> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  const told: Record<string, number> = {}
  let heard = performance.now()
  await channel.consume(
    QUEUE,
    (message) => {
      if (!message) return
      heard = performance.now()
      const event: BusEvent = JSON.parse(message.content.toString())
      if (event.type !== 'messages.created') return
      for (const { conversationId, seq } of event.data.conversations)
        told[conversationId] = Math.max(seq, told[conversationId] ?? 0)
    },
    { noAck: true },
  )
  const begun = performance.now()
  while (performance.now() - heard < QUIET_MS && performance.now() - begun < READ_MS) await pause(100)
  await connection.close()
  return told
}
