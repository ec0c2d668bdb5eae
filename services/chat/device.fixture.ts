import type { TestContext } from 'node:test'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

/** A bare Socket.IO client: what it is told, in order, and a way to wait for it. */
export interface TestDevice {
  socket: Socket
  id(): string
  /** The next event of that name that was not taken yet; rejects after 5 s. */
  next(event: string): Promise<Told>
  /** Everything told so far and not taken. */
  told(): { event: string; data: Told }[]
  /** Sends an event and gives its ack; rejects after 5 s without one. */
  ask(event: string, data?: unknown): Promise<Told>
  close(): void
}

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an event by comparing it
export type Told = any

const DEADLINE_MS = 5_000

/** Connects by WebSocket unless told otherwise. `connect_error` and `disconnect` are told like any event. */
export function testDevice(
  t: TestContext,
  url: string,
  token: unknown,
  options: Partial<ManagerOptions & SocketOptions> = {},
): TestDevice {
  const socket = io(url, {
    auth: { token },
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    ...options,
  })
  t.after(() => socket.disconnect())
  const log: { event: string; data: Told }[] = []
  const waiting: { event: string; take(data: Told): void }[] = []

  function note(event: string, data: Told): void {
    const index = waiting.findIndex((w) => w.event === event)
    if (index < 0) return void log.push({ event, data })
    waiting.splice(index, 1)[0]!.take(data)
  }

  socket.onAny(note)
  socket.on('connect_error', (error) => note('connect_error', (error as { data?: Told }).data ?? error.message))
  socket.on('disconnect', (reason) => note('disconnect', reason))

  return {
    socket,
    id: () => socket.id!,
    next(event) {
      const index = log.findIndex((l) => l.event === event)
      if (index >= 0) return Promise.resolve(log.splice(index, 1)[0]!.data)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no ${event} within 5 s; told: ${JSON.stringify(log)}`)),
          DEADLINE_MS,
        )
        waiting.push({
          event,
          take(data) {
            clearTimeout(timer)
            resolve(data)
          },
        })
      })
    },
    told: () => log,
    ask: (event, data) => socket.timeout(DEADLINE_MS).emitWithAck(event, data),
    close: () => void socket.disconnect(),
  }
}
