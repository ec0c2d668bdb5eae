import type { Socket } from 'socket.io'
import { type Packet, packetOf } from './packet.ts'
import type { Wire } from './wire.ts'

export { Packet, packetOf } from './packet.ts'

/** Time for the last event to reach a peer that reads. */
const CUT_AFTER_MS = 2_000
/** Share of the limit above which ephemeral events are dropped. */
const EPHEMERAL_SHARE = 0.25

/**
 * Everything a socket is sent goes through its writer, so that events and acks keep their order and what waits is counted (P8).
 * Packets gather until the event loop has come round once, and then leave in one write: a write costs more than most of what
 * leads up to it.
 */
export class Writer {
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #limit: number
  #packets: Packet[] = []
  /** Characters in `#packets`. */
  #gathered = 0
  #closed = false

  /** Above `limitBytes` waiting, the peer is too slow: it is told so, and cut. */
  constructor(socket: Socket, wire: Wire, limitBytes: number) {
    this.#socket = socket
    this.#wire = wire
    this.#limit = limitBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  send(packet: Packet): void {
    if (this.#closed) return
    if (this.#packets.push(packet) === 1) flushThisTurn(this)
    this.#gathered += packet.text.length
    if (this.#gathered > this.#limit) this.close('slow.consumer', {})
  }

  /** Sends a packet that may be lost (typing, presence): dropped while much is waiting. */
  sendEphemeral(packet: Packet): void {
    if (this.#gathered + this.#wire.waiting < this.#limit * EPHEMERAL_SHARE) this.send(packet)
  }

  /** Answers a client's event through Socket.IO's own ack function. */
  acknowledge(ack: (reply: object) => void, reply: object): void {
    if (this.#closed) return
    this.flush()
    ack(reply)
    if (this.#wire.waiting > this.#limit) this.close('slow.consumer', {})
  }

  /** Writes what has gathered. */
  flush(): void {
    const packets = this.#packets
    if (packets.length === 0 || this.#closed) return
    this.#packets = []
    this.#gathered = 0
    this.#wire.write(packets)
    if (this.#wire.waiting > this.#limit) this.close('slow.consumer', {})
  }

  /** Says why, then closes. What waits is dropped; a peer that does not read is cut off shortly after. */
  close(event: string, data: object): void {
    if (this.#closed) return
    this.#closed = true
    this.#packets = []
    this.#wire.drop()
    this.#wire.write([packetOf(event, data)])
    this.#socket.disconnect(true)
    setTimeout(() => this.#wire.cut(), CUT_AFTER_MS).unref()
  }
}

let gathering: Writer[] = []

/** Every writer that has gathered something is flushed when the event loop has read what its sockets brought in this turn. */
function flushThisTurn(writer: Writer): void {
  if (gathering.push(writer) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const writers = gathering
  gathering = []
  for (const writer of writers) writer.flush()
}
