/**
 * A packet for a client (socket.io-protocol v5, default namespace), serialised once for everyone who gets it: as text, and as
 * the WebSocket frame around it when first asked for.
 */
export class Packet {
  readonly text: string
  #frame: string | undefined

  constructor(text: string) {
    this.text = text
  }

  /** The whole frame with one character for each byte ('latin1'): the cheapest thing to join and to write. */
  get frame(): string {
    this.#frame ??= frameOf(this.text)
    return this.#frame
  }
}

/** An event; `data` is JSON. */
export function packetOf(event: string, data: object): Packet {
  return new Packet(`2["${event}",${JSON.stringify(data)}]`)
}

/** The answer to a client's event with that ack number. */
export function ackOf(number: string, reply: object): Packet {
  return new Packet(`3${number}[${JSON.stringify(reply)}]`)
}

/** `4` is Engine.IO's message; the frame is final, text, unmasked (RFC 6455, 5.2). */
function frameOf(text: string): string {
  const bytes = Buffer.byteLength(text)
  // The UTF-8 of ASCII is itself, and needs no second pass.
  const payload = bytes === text.length ? text : Buffer.from(text).toString('latin1')
  return `${headerOf(bytes + 1)}4${payload}`
}

const TEXT = '\x81'

function headerOf(length: number): string {
  if (length < 126) return TEXT + String.fromCharCode(length)
  if (length < 65_536) return `${TEXT}\x7e${String.fromCharCode(length >> 8, length & 0xff)}`
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(length))
  return `${TEXT}\x7f${header.toString('latin1')}`
}

/** A client's event: its name and arguments, and the number it wants to be answered by. */
export interface ClientEvent {
  packet: [name: string, ...data: unknown[]]
  ack: string | undefined
}

const [MESSAGE, EVENT, BRACKET, ZERO, NINE] = [0x34, 0x32, 0x5b, 0x30, 0x39]
/** No client counts further than a safe integer. */
const MAX_ACK_DIGITS = 15

/** Reads the bytes of a text message as an event of the default namespace; undefined for anything else, which Socket.IO may judge. */
export function eventOf(message: Buffer): ClientEvent | undefined {
  if (message[0] !== MESSAGE || message[1] !== EVENT) return undefined
  let at = 2
  for (let byte = message[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = message[++at]);
  const digits = at - 2
  if (message[at] !== BRACKET || digits > MAX_ACK_DIGITS || (message[2] === ZERO && digits > 1)) return undefined
  const packet = parsed(message.toString('utf8', at))
  if (!isEvent(packet)) return undefined
  return { packet, ack: digits === 0 ? undefined : message.toString('latin1', 2, at) }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Names that only Socket.IO itself may use; it closes the connection of a client that does. */
const RESERVED = new Set(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])

const isEvent = (packet: unknown): packet is ClientEvent['packet'] =>
  Array.isArray(packet) && typeof packet[0] === 'string' && !RESERVED.has(packet[0])
