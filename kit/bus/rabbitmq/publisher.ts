import type { ConfirmChannel, Options } from 'amqplib'
import { crashPoint } from '../../crash.ts'
import { Fault } from '../../fault.ts'
import type { Session } from './link.ts'

/** Publishing with confirms. */
export interface Publisher {
  /** To be called on each new session. */
  open(session: Session): Promise<void>
  /**
   * Resolves when the broker has confirmed the message; with `mandatory`, when it has put it into a queue. Rejects with
   * `unavailable` when it has not, when it is not known within the time-out, or when too many are waiting for that already.
   */
  publish(exchange: string, key: string, content: Buffer, options: Options.Publish): Promise<void>
  /** While true, publishes are refused at once: the broker would not read them. */
  blocked: boolean
}

export interface PublisherOptions {
  confirmTimeoutMs: number
  /** Publishes that wait for their confirm at once. */
  outstanding: number
}

/** A publisher without a session yet: until `open` it refuses everything. */
export function openPublisher({ confirmTimeoutMs, outstanding }: PublisherOptions): Publisher {
  const waiting = new Map<string, { returned: boolean }>()
  let channel: ConfirmChannel | undefined
  let last = 0
  let blocked = false

  return {
    get blocked() {
      return blocked
    },
    set blocked(now) {
      blocked = now
    },

    async open(session) {
      const opened = await session.openConfirmChannel('publishing')
      // A message that no queue took comes back, and is confirmed after that.
      opened.on('return', ({ properties }) => {
        const publish = waiting.get(properties.correlationId)
        if (publish) publish.returned = true
      })
      opened.on('close', () => {
        if (channel === opened) channel = undefined
      })
      channel = opened
    },

    publish(exchange, key, content, options) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (!channel) return refuse('The event bus is away')
      if (blocked) return refuse('The event bus takes nothing for the moment')
      if (waiting.size >= outstanding) return refuse('Too many events wait for the event bus')

      const correlationId = String(++last)
      const publish = { returned: false }
      const timer = setTimeout(() => settle('The event bus has not confirmed the event in time'), confirmTimeoutMs)
      waiting.set(correlationId, publish)
      try {
        channel.publish(exchange, key, content, { ...options, correlationId }, (error) => {
          if (error) return settle('The event bus did not take the event', error)
          crashPoint('relay.before-confirm')
          settle(publish.returned ? `No queue takes ${key}` : undefined)
        })
      } catch (error) {
        settle('The event bus is going away', error)
      }
      return promise

      function settle(refusal: string | undefined, cause?: unknown): void {
        clearTimeout(timer)
        waiting.delete(correlationId)
        if (refusal === undefined) resolve()
        else reject(new Fault('unavailable', refusal, { cause }))
      }
    },
  }
}

function refuse(message: string): Promise<never> {
  return Promise.reject(new Fault('unavailable', message))
}
