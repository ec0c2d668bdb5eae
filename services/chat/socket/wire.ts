import type { Server, Socket } from 'socket.io'
import type { WebSocketServer } from 'ws'
import { type ClientEvent, eventOf, type Packet } from './packet.ts'

/**
 * The short way to and from a client's WebSocket, past the machinery that Socket.IO and Engine.IO run for each packet: events
 * are read straight from the messages, ready-made frames are written straight to the stream. All that is used of the insides
 * of Engine.IO and ws is in this file, and `wire.test.ts` fails when a new version moves it. Where they are not as expected,
 * and while a client polls, everything goes the plain way through the public interface: as correct, slower.
 */
export class Wire {
  readonly #socket: Socket
  readonly #conn: EngineSocket
  readonly #receive: (event: ClientEvent, socket: Socket) => void
  /** The WebSocket, once there is one and its insides are as expected. */
  #ws: WebSocketInside | undefined
  /** Engine.IO's own listener to what the WebSocket brings. */
  #stock: Listener | undefined
  /** What Engine.IO held when it was last looked at, how much of it was counted, and the characters of that. It begins a new list when it hands one on. */
  #held: EngineSocket['writeBuffer'] | undefined
  #counted = 0
  #queued = 0

  /** `receive` gets the events that came by the short way; those that come by the plain way are for Socket.IO's own handlers. */
  constructor(socket: Socket, receive: (event: ClientEvent, socket: Socket) => void) {
    this.#socket = socket
    this.#conn = socket.conn as unknown as EngineSocket
    this.#receive = receive
    Object.assign(socket, { [WIRE]: this })
    socket.on('disconnect', left)
    this.#adopt()
    if (this.#ws) return
    const adopt = (): void => this.#adopt()
    this.#conn.on('upgrade', adopt)
    socket.once('disconnect', () => this.#conn.off('upgrade', adopt))
  }

  /** Is the short way open? */
  get short(): boolean {
    const { readyState, transport, writeBuffer } = this.#conn
    // What Engine.IO still holds must go first.
    return (
      this.#ws !== undefined &&
      transport.socket === this.#ws &&
      readyState === 'open' &&
      writeBuffer.length === 0 &&
      this.#ws.readyState === OPEN
    )
  }

  /** Bytes (characters, what Engine.IO holds) that the peer has not taken. */
  get waiting(): number {
    const { writeBuffer, transport } = this.#conn
    if (writeBuffer !== this.#held || writeBuffer.length < this.#counted) {
      this.#held = writeBuffer
      this.#counted = 0
      this.#queued = 0
    }
    while (this.#counted < writeBuffer.length) this.#queued += writeBuffer[this.#counted++]!.data?.length ?? 0
    return this.#queued + (transport.socket?.bufferedAmount ?? 0)
  }

  /** Writes the packets in their order, in one piece where possible. Lost when the socket has left: its connection may be another's by now. */
  write(packets: readonly Packet[]): void {
    if (!this.#socket.connected) return
    if (this.short) {
      let frames = ''
      for (const packet of packets) frames += packet.frame
      this.#ws!._socket.write(frames, 'latin1')
      return
    }
    for (const { text } of packets) this.#conn.write(text, { compress: false })
  }

  /** Forgets what Engine.IO has not handed on, and cannot reach the peer any more. */
  drop(): void {
    this.#conn.writeBuffer.length = 0
  }

  /** Ends the connection without waiting for the peer. */
  cut(): void {
    this.#conn.transport.socket?.terminate?.()
    this.#conn.close(true)
  }

  #adopt(): void {
    const ws = this.#conn.transport.socket
    if (!ws || !isAsExpected(ws)) return
    this.#ws = ws
    this.#stock = ws.listeners('message')[0] as Listener
    ws[WIRE] = this
    swap(ws, this.#stock, heard)
  }

  /** What the WebSocket brings. */
  heard(data: Buffer, isBinary: boolean): void {
    const event = isBinary || !this.#socket.connected ? undefined : eventOf(data)
    if (event) {
      this.#sawLife()
      this.#receive(event, this.#socket)
    } else this.#stock!.call(this.#ws!, data, isBinary)
  }

  /** The socket is over. Its connection may outlive it, and sign in anew. */
  left(): void {
    if (this.#ws?.[WIRE] === this) swap(this.#ws, heard, this.#stock!)
  }

  /** As Engine.IO does with any packet while it waits for a pong: who sends is alive. */
  #sawLife(): void {
    const conn = this.#conn
    if (!conn.pingTimeoutTimer || conn.hasRefreshedPingTimeout) return
    conn.pingTimeoutTimer.refresh()
    conn.hasRefreshedPingTimeout = true
  }
}

/**
 * Lets go of what is of no use to a socket that has signed in: the request it came by with its headers and the token, the room
 * that Socket.IO opens for each socket, and the list of acks that it waits for, since we ask for none.
 */
export function forgetHandshake(socket: Socket): void {
  const inside = socket as unknown as {
    conn: { request: unknown }
    handshake: object
    acks: ReadonlyMap<number, unknown>
  }
  inside.conn.request = null
  inside.handshake = FORGOTTEN
  inside.acks = NO_ACKS
  socket.nsp.adapter.delAll(socket.id)
}

const FORGOTTEN = Object.freeze({ headers: {}, auth: {}, query: {} })
const NO_ACKS: ReadonlyMap<number, unknown> = new Map()

/**
 * Lets go of the answer that Engine.IO makes up for an upgrade, and of the request with it: it waits for the stream's end to tell
 * middleware of it, and we have none.
 */
export function forgetAnswers(io: Server): void {
  const { ws } = io.engine as unknown as { ws?: WebSocketServer }
  ws?.on('headers', (_headers, { socket }) => {
    // Node has taken its own listeners off by now, and ws adds its own later.
    if (socket.listenerCount('close') === 1) socket.removeAllListeners('close')
  })
}

/** Closes a connection that sends what nothing of ours is: binary data, or a packet that announces some, which is memory that a client can hold. */
export function closeOnBinary(io: Server): void {
  io.engine.on('connection', (conn: EngineSocket) => conn.prependListener('data', mustBeText))
}

/** Gives a client that polls, once it is closed, so long to hear of it. Engine.IO would wait for 30 s, and with it a process that stops. */
export function closeWithin(io: Server, ms: number): void {
  io.engine.on('connection', ({ transport }: EngineSocket) => Object.assign(transport, { closeTimeout: ms }))
}

function mustBeText(this: EngineSocket, data: unknown): void {
  // `5` and `6` are binary packets (socket.io-protocol v5).
  if (typeof data !== 'string' || data.startsWith('5') || data.startsWith('6')) this.close(true)
}

/** Where a socket and its WebSocket have their wire, so that one listener serves all: an idle connection keeps none of its own. */
const WIRE = Symbol('wire')

function heard(this: WebSocketInside, data: Buffer, isBinary: boolean): void {
  this[WIRE]!.heard(data, isBinary)
}

function left(this: Socket & { [WIRE]?: Wire }): void {
  this[WIRE]!.left()
}

const OPEN = 1

/** The part of Engine.IO's socket that is used. */
interface EngineSocket {
  readyState: 'opening' | 'open' | 'closing' | 'closed'
  transport: { socket?: WebSocketInside }
  writeBuffer: { data?: string }[]
  pingTimeoutTimer: NodeJS.Timeout | null
  hasRefreshedPingTimeout: boolean
  write(data: string, options: { compress: boolean }): void
  close(discard?: boolean): void
  on(event: 'upgrade', listener: () => void): void
  off(event: 'upgrade', listener: () => void): void
  prependListener(event: 'data', listener: (this: EngineSocket, data: unknown) => void): void
}

/** The part of ws's WebSocket that is used. */
interface WebSocketInside {
  [WIRE]?: Wire
  readyState: number
  bufferedAmount: number
  extensions: string
  _socket: { write(data: string, encoding: 'latin1'): boolean }
  terminate?(): void
  listeners(event: 'message'): unknown[]
  removeAllListeners(event: 'message'): void
  on(event: 'message', listener: Listener): void
}

type Listener = (this: WebSocketInside, data: Buffer, isBinary: boolean) => void

/** Gives what comes to `to` instead of `from`, unless another has it by now. */
function swap(ws: WebSocketInside, from: Listener, to: Listener): void {
  if (ws.listeners('message')[0] !== from) return
  ws.removeAllListeners('message')
  ws.on('message', to)
}

/** Frames are written as they are: only where nothing compresses, and one listener takes what comes. */
function isAsExpected(ws: WebSocketInside): boolean {
  return (
    typeof ws._socket?.write === 'function' &&
    typeof ws.bufferedAmount === 'number' &&
    ws.extensions === '' &&
    ws.listeners('message').length === 1
  )
}
