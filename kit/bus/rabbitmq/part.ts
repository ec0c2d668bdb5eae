import type { Channel } from 'amqplib'
import type { Session } from './link.ts'

/** Something that consumes on a channel of its own: opened again on each new session, until it is closed. */
export interface Part {
  /** Declares its queue, binds and consumes. */
  open(session: Session): Promise<void>
  /** Ends it, on the session it is open on, if any. Bounded in time; never rejects. */
  close(): Promise<void>
}

export interface PartOptions {
  /** Names the channel in the log. */
  purpose: string
  /** Begins on a fresh channel; from when it resolves the part is open. */
  start(channel: Channel, session: Session): Promise<void>
  /** Runs before the channel is closed on purpose; bounded in time. */
  finish?(): Promise<void>
}

/** A part that is not open yet. */
export function part({ purpose, start, finish }: PartOptions): Part {
  let open: { channel: Channel; session: Session } | undefined
  let closed = false

  return {
    async open(session) {
      if (closed) return
      const channel = await session.openChannel(purpose)
      if (closed) return session.closeChannel(channel)
      const opened = { channel, session }
      channel.on('close', () => {
        if (open === opened) open = undefined
      })
      open = opened
      try {
        await start(channel, session)
      } catch (error) {
        if (!closed) throw error
      }
    },

    async close() {
      closed = true
      await finish?.()
      if (open) await atMost(CLOSE_MS, open.session.closeChannel(open.channel))
    },
  }
}

const CLOSE_MS = 1_000

/** Resolves when the work has settled, or after `ms`: a frozen broker never answers. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}
