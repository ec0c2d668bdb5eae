import type { Problem } from '@parley/protocol/fault'
import type { Ack, ClientEvents as Calls, ServerEvents } from '@parley/protocol/socket'
import { io, type Socket } from 'socket.io-client'
import { delay, fullJitter } from './backoff.ts'
import { asParleyError, isProblem, ParleyError, unavailable } from './error.ts'
import { guarded } from './store.ts'

/** One life of the connection, from the server's `hello` to its end. */
export interface Link {
  /** Aborts when the connection is gone. */
  readonly gone: AbortSignal
  /** What time it was for the server when it began. */
  readonly serverTime: string
  /** Asks and gives the answer. Rejects with the server's refusal, or `unavailable` when no answer came: then what became of it is not known. */
  call<T>(event: keyof Calls, request: object): Promise<T>
  /** Leaves this connection for a new one: it does not answer. */
  cut(): void
}

export interface ConnectionOptions {
  url: string
  transports: ('websocket' | 'polling')[]
  /** An access token, another one than `refused`. */
  token(refused?: string): Promise<string>
  partition(): number
  /** What the server says, in the order it said it. */
  handlers: { [E in keyof Omit<ServerEvents, 'hello'>]: ServerEvents[E] }
  /** The server receives for this device from now on. */
  up(link: Link): void
  /** `connecting` while it tries, `offline` while it waits to try again. */
  down(state: 'connecting' | 'offline'): void
}

export interface Connection {
  connect(): void
  disconnect(): void
  /** Tries at once instead of waiting: the network is said to be back. */
  hurry(): void
  /** Leaves the link that is up: the network is said to be gone. */
  cut(): void
  readonly link: Link | undefined
}

/** From the first packet to `hello`. */
const HELLO_MS = 15_000
/** A node that has not answered by then is taken for lost: another may be well. */
const ANSWER_MS = 10_000
const BACKOFF = { base: 400, cap: 5_000 }

/** Connects, and again and again with a jittered pause, until told to stop. */
export function openConnection(options: ConnectionOptions): Connection {
  let running: AbortController | undefined
  let hurried = new AbortController()
  let link: (Link & { socket: Socket }) | undefined
  /** Told by the server: how long to stay away. */
  let pause: number | undefined
  let refused: string | undefined

  async function run(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted; ) {
      options.down('connecting')
      const lived = await once(stop).catch((error) => {
        pause = asParleyError(error).problem.retryAfterMs
        return 0
      })
      if (stop.aborted) return
      options.down('offline')
      failures = lived > BACKOFF.cap ? 1 : failures + 1
      const wait = (pause ?? 0) + fullJitter(failures, BACKOFF)
      pause = undefined
      await delay(wait, AbortSignal.any([stop, hurried.signal]))
      hurried = new AbortController()
    }
  }

  /** One connection, from its beginning to its end; resolves with how long it was up, in milliseconds. */
  async function once(stop: AbortSignal): Promise<number> {
    const token = await options.token(refused)
    refused = undefined
    if (stop.aborted) return 0
    const gone = new AbortController()
    const socket = io(options.url, {
      auth: { token },
      query: { p: String(options.partition()) },
      transports: options.transports,
      tryAllTransports: true,
      reconnection: false,
      forceNew: true,
      timeout: HELLO_MS,
    })
    const ended = Promise.withResolvers<void>()
    const end = (error?: unknown): void => (error ? ended.reject(error) : ended.resolve())
    const late = setTimeout(() => end(unavailable('The server does not answer')), HELLO_MS)
    const stopped = (): void => end()
    stop.addEventListener('abort', stopped)
    let upSince: number | undefined
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      const problem = isProblem(error.data) ? error.data : undefined
      if (problem?.code === 'auth.expired' || problem?.code === 'auth.invalid') refused = token
      end(problem ? new ParleyError(problem) : unavailable('The server cannot be reached', error))
    })
    socket.on('disconnect', () => end())
    socket.on('hello', ({ serverTime }: { serverTime: string }) => {
      clearTimeout(late)
      upSince = performance.now()
      link = { socket, gone: gone.signal, serverTime, cut: () => end(), call: caller(socket, gone.signal, end) }
      options.up(link)
    })
    listen(socket)
    try {
      await ended.promise
    } finally {
      clearTimeout(late)
      stop.removeEventListener('abort', stopped)
      link = undefined
      gone.abort()
      socket.removeAllListeners()
      socket.disconnect()
    }
    return upSince === undefined ? 0 : performance.now() - upSince
  }

  /** A handler that throws must not stop the ones after it. */
  function listen(socket: Socket): void {
    const { handlers } = options
    for (const name of Object.keys(handlers) as (keyof typeof handlers)[]) {
      const handle = handlers[name] as (data: unknown) => void
      socket.on(name, (data: unknown) => guarded(() => handle(data)))
    }
    socket.on('server.draining', ({ reconnectAfterMs }: { reconnectAfterMs: number }) => {
      pause = reconnectAfterMs
    })
    socket.on('session.expired', () => {
      refused = (socket.auth as { token: string }).token
    })
  }

  return {
    connect() {
      if (running) return
      running = new AbortController()
      void run(running.signal)
    },
    disconnect() {
      running?.abort()
      running = undefined
      options.down('offline')
    },
    hurry: () => hurried.abort(),
    cut: () => link?.cut(),
    get link() {
      return link
    },
  }
}

function caller(socket: Socket, gone: AbortSignal, end: (error?: unknown) => void): Link['call'] {
  return <T>(event: string, request: object) =>
    new Promise<T>((resolve, reject) => {
      if (gone.aborted) return reject(unavailable('Not connected'))
      const lost = (): void => done(() => reject(unavailable('The connection was lost')))
      const late = setTimeout(() => {
        done(() => reject(unavailable('The server does not answer')))
        end()
      }, ANSWER_MS)
      const done = (settle: () => void): void => {
        clearTimeout(late)
        gone.removeEventListener('abort', lost)
        settle()
      }
      gone.addEventListener('abort', lost)
      socket.emit(event, request, (reply: Ack<T> | undefined) =>
        done(() => {
          if (reply?.ok === true) return resolve(reply.data)
          const problem: Problem | undefined = isProblem(reply?.error) ? reply.error : undefined
          reject(problem ? new ParleyError(problem) : unavailable('The answer makes no sense'))
        }),
      )
    })
}
