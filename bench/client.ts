import { once } from 'node:events'
import { WebSocket } from 'ws'

/**
 * A client that costs little: Socket.IO's wire protocol over a plain WebSocket, frames built by hand and read by their prefix,
 * so that the generator is not what is measured. The same for Parley and for bare Socket.IO.
 */
export interface RawClient {
  readonly userId: string
  /** Called with the text after `42`: `["event",{…}]`. */
  onEvent: (body: string) => void
  /** Called with the ack's number and the text of its arguments. */
  onAck: (number: number, body: string) => void
  /** Sends an event that wants no ack, or one with that number. */
  emit(event: string, json: string, ack?: number): void
  close(): void
  readonly closed: boolean
}

/** Connects, authenticates, and resolves at `hello`. */
export async function connectRaw(url: string, userId: string, token: string, partition = 0): Promise<RawClient> {
  const address = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&p=${partition}`
  const socket = new WebSocket(address, { perMessageDeflate: false })
  const greeted = Promise.withResolvers<void>()
  const client: RawClient = {
    userId,
    onEvent: () => {},
    onAck: () => {},
    emit: (event, json, ack) => socket.send(`42${ack ?? ''}["${event}",${json}]`),
    close: () => socket.close(),
    get closed() {
      return socket.readyState >= WebSocket.CLOSING
    },
  }
  socket.on('message', (bytes: Buffer) => {
    const text = bytes.toString()
    if (text.startsWith('42')) {
      if (text.startsWith('["hello"', 2)) return greeted.resolve()
      client.onEvent(text.slice(2))
    } else if (text.startsWith('43')) {
      const bracket = text.indexOf('[')
      client.onAck(Number(text.slice(2, bracket)), text.slice(bracket))
    } else if (text === '2') socket.send('3')
    else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ token })}`)
    else if (text.startsWith('44')) greeted.reject(new Error(`${userId} was refused: ${text}`))
  })
  socket.on('close', (code) => greeted.reject(new Error(`${userId} was closed with ${code}`)))
  socket.on('error', (error) => greeted.reject(error))
  if (socket.readyState === WebSocket.CONNECTING) await Promise.race([once(socket, 'open'), greeted.promise])
  await greeted.promise
  return client
}

/** Connects many, some at a time. */
export async function connectAll<T>(
  items: readonly T[],
  connect: (item: T) => Promise<RawClient>,
  atOnce = 50,
): Promise<RawClient[]> {
  const clients: RawClient[] = []
  for (let from = 0; from < items.length; from += atOnce) {
    clients.push(...(await Promise.all(items.slice(from, from + atOnce).map(connect))))
  }
  return clients
}

/** A number in a frame, by the text before it: cheaper than parsing the whole. */
export function numberAfter(body: string, label: string): number {
  const at = body.indexOf(label)
  return at < 0 ? 0 : Number.parseInt(body.slice(at + label.length, at + label.length + 16), 10)
}

let made = 0
/** Ids that are well-formed UUIDs and cost nothing. */
export const nextId = (run: string): string => `${run}-0000-4000-8000-${(++made).toString(16).padStart(12, '0')}`
