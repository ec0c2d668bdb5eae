import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import type { Log } from '../../log.ts'
import { atMost } from './part.ts'

/** One connection that stands, as those see it that use it. Gone for good when it breaks: the next one is another session. */
export interface Session {
  /** Opens a channel. When the broker closes it, the whole link is made anew. `purpose` names it in the log. */
  openChannel(purpose: string): Promise<Channel>
  /** The same, with publisher confirms. */
  openConfirmChannel(purpose: string): Promise<ConfirmChannel>
  /** Closes a channel on purpose. */
  closeChannel(channel: Channel): Promise<void>
  /** Says that something is wrong that no reply will tell: the link is made anew. */
  fail(error: Error): void
}

/** A connection to RabbitMQ that comes back for ever. */
export interface Link extends AsyncDisposable {
  /** From when `setup` has finished until the connection breaks. */
  readonly session: Session | undefined
}

export interface LinkOptions {
  /** Shown in RabbitMQ's list of connections, and in the log. */
  name: string
  log: Log
  /** Seconds; a peer that is silent for two to three of them is given up. */
  heartbeatS: number
  /** Runs on each new connection; the link is up when it has resolved, and starts again when it rejects. */
  setup(session: Session): Promise<void>
  /** `session` has changed. */
  onChange(): void
  /** The broker has stopped reading what this connection publishes (its memory or disk is full), or reads again. */
  onBlocked(blocked: boolean): void
}

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2_000
/** Connecting and each step of its handshake; a frozen broker still accepts connections. */
const HANDSHAKE_MS = 5_000
const SETUP_MS = 30_000
const CLOSE_MS = 1_000

/**
 * Keeps one connection to RabbitMQ: connects, runs `setup`, waits until it breaks, waits a jittered moment (at most 2 s), and
 * begins again, until disposed. Returns at once, before the first attempt. All that goes wrong goes the same way: a
 * socket error, silence, a closed channel and a failed set-up each end the session, and its socket is destroyed.
 */
export function openLink(url: string, options: LinkOptions): Link {
  const { log, name } = options
  const closing = new AbortController()
  let current: { session: Session; model: ChannelModel } | undefined
  /** That of the connection there is, from before it is set up. */
  let newest: Session | undefined
  let failures = 0

  const running = keepConnected()

  return {
    get session() {
      return current?.session
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      if (current) await atMost(CLOSE_MS, current.model.close())
      newest?.fail(new Error('closed by us'))
      await running
    },
  }

  async function keepConnected(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await live(await connect(withHeartbeat(url, options.heartbeatS), socketOptions(name)))
      } catch (error) {
        if (!closing.signal.aborted) tell(error)
      }
      failures++
      await delay(waitMs(failures), undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  /** One life of the connection: rejects when it has ended. */
  async function live(model: ChannelModel): Promise<never> {
    const lost = Promise.withResolvers<never>()
    lost.promise.catch(() => {})
    model.on('error', lost.reject)
    model.on('close', (error) => lost.reject(error ?? new Error('the connection was closed')))
    model.on('blocked', () => options.onBlocked(true))
    model.on('unblocked', () => options.onBlocked(false))
    const session = openSession(model, lost.reject)
    newest = session
    const tooLong = setTimeout(
      () => session.fail(new Error('setting up takes too long: has a queue no leader?')),
      SETUP_MS,
    )
    try {
      if (closing.signal.aborted) throw new Error('closed by us')
      await Promise.race([options.setup(session), lost.promise])
      clearTimeout(tooLong)
      failures = 0
      current = { session, model }
      log.info({ link: name }, 'connected to RabbitMQ')
      options.onChange()
      return await lost.promise
    } finally {
      clearTimeout(tooLong)
      current = undefined
      newest = undefined
      destroy(model)
      options.onBlocked(false)
      options.onChange()
    }
  }

  function openSession(model: ChannelModel, fail: (error: Error) => void): Session {
    const released = new WeakSet<Channel>()
    function watched<C extends Channel>(channel: C, purpose: string): C {
      channel.on('error', (error) =>
        log.error({ link: name, channel: purpose, err: error }, 'RabbitMQ closed a channel'),
      )
      channel.on('close', () => {
        if (!released.has(channel)) fail(new Error(`the channel for ${purpose} was closed`))
      })
      return channel
    }
    return {
      fail,
      openChannel: async (purpose) => watched(await model.createChannel({ highWaterMark: 4_096 }), purpose),
      openConfirmChannel: async (purpose) => watched(await model.createConfirmChannel(), purpose),
      async closeChannel(channel) {
        released.add(channel)
        await channel.close()
      },
    }
  }

  /** The first failure of an outage is news, the rest are not. */
  function tell(error: unknown): void {
    const level = failures === 0 ? 'warn' : 'debug'
    log[level]({ link: name, err: error }, 'no connection to RabbitMQ, trying again for ever')
  }
}

/** Full jitter below a growing bound, so that many nodes do not come back at one instant. */
function waitMs(failures: number): number {
  const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10))
  return bound / 4 + Math.random() * bound * 0.75
}

function withHeartbeat(url: string, seconds: number): string {
  const target = new URL(url)
  if (!target.searchParams.has('heartbeat')) target.searchParams.set('heartbeat', String(seconds))
  return target.href
}

function socketOptions(name: string) {
  return { timeout: HANDSHAKE_MS, noDelay: true, clientProperties: { connection_name: name } }
}

/**
 * amqplib only ends its socket, which a frozen peer never answers: memory and descriptor would stay, and so would its
 * timers. An error makes it close its channels at once, so that each pending reply and confirm is refused.
 */
function destroy(model: ChannelModel): void {
  const { stream } = model.connection as typeof model.connection & { stream: Duplex }
  stream.destroy(new Error('this connection is given up'))
}
