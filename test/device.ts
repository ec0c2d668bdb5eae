import type { Ack, ClientEvents, ServerEvents } from '@parley/protocol/socket'
import { io, type Socket } from 'socket.io-client'

export type Transport = 'websocket' | 'polling'
type Told<E extends keyof ServerEvents> = Parameters<ServerEvents[E]>[0]

/** A stock Socket.IO client: what it is told, in order, and a way to wait for it. */
export interface Device extends Disposable {
  socket: Socket
  /** The next event of that name that was not taken yet; rejects after 5 s. */
  next<E extends keyof ServerEvents>(event: E): Promise<Told<E>>
  /** Sends an event and gives its ack; rejects after 5 s without one. */
  ask<T>(event: keyof ClientEvents | (string & {}), data?: unknown): Promise<Ack<T>>
  /** The same, for an ack that must be good. */
  get<T>(event: keyof ClientEvents, data?: unknown): Promise<T>
  /** Resolves with the reason when the connection has ended. */
  ended(): Promise<string>
  /** What it was told and no one has taken, by name. */
  untaken(): string[]
}

const DEADLINE_MS = 5_000

/** Connects; resolves once the server has said `hello`, rejects with the problem when it refuses. */
export async function connect(
  url: string,
  options: {
    auth?: object
    query?: Record<string, string>
    transports?: Transport[]
    headers?: Record<string, string>
  },
): Promise<Device> {
  const { auth, query, transports = ['websocket'], headers } = options
  const socket = io(url, {
    auth: { ...auth },
    ...(query && { query }),
    transports,
    ...(headers && { extraHeaders: headers }),
    reconnection: false,
    forceNew: true,
  })
  const told: { event: string; data: unknown }[] = []
  const waiting: { event: string; take(data: unknown): void }[] = []
  const note = (event: string, data: unknown): void => {
    const index = waiting.findIndex((one) => one.event === event)
    if (index < 0) told.push({ event, data })
    else waiting.splice(index, 1)[0]!.take(data)
  }
  const wait = (event: string): Promise<unknown> => {
    const index = told.findIndex((one) => one.event === event)
    if (index >= 0) return Promise.resolve(told.splice(index, 1)[0]!.data)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = setTimeout(
      () => reject(new Error(`no ${event} within ${DEADLINE_MS} ms; told: ${JSON.stringify(told)}`)),
      DEADLINE_MS,
    )
    const take = (data: unknown): void => {
      clearTimeout(timer)
      resolve(data)
    }
    waiting.push({ event, take })
    return promise
  }
  socket.onAny(note)
  socket.on('disconnect', (reason) => note('disconnect', reason))

  const refused = new Promise<never>((_, reject) =>
    socket.on('connect_error', (error) => reject((error as { data?: unknown }).data ?? error)),
  )
  const device: Device = {
    socket,
    next: (event) => wait(event) as Promise<Told<typeof event>>,
    ask: (event, data) => socket.timeout(DEADLINE_MS).emitWithAck(event, data),
    async get<T>(event: keyof ClientEvents, data?: unknown) {
      const ack = await device.ask<T>(event, data)
      if (ack.ok) return ack.data
      throw new Error(`${event} was refused: ${JSON.stringify(ack.error)}`)
    },
    ended: () => wait('disconnect') as Promise<string>,
    untaken: () => told.map(({ event }) => event),
    [Symbol.dispose]: () => void socket.disconnect(),
  }
  try {
    await Promise.race([device.next('hello'), refused])
  } catch (error) {
    socket.disconnect()
    throw error
  }
  return device
}
