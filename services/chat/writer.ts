import type { Socket } from 'socket.io'

/** A socket event, serialised once for everyone who gets it. */
export type Packet = string

/** `2` is an event and the default namespace goes unnamed (socket.io-protocol v5). */
export function packetOf(event: string, data: object): Packet {
  return `2[${JSON.stringify(event)},${JSON.stringify(data)}]`
}

/** Everything a socket is sent goes through its writer, so that events and acks keep their order and what waits is counted (P8). */
export interface Writer {
  /** Queues a packet. When more than the limit waits, the consumer is too slow: `tooSlow` is called, once, and nothing is queued any more. */
  send(packet: Packet): void
  /** Queues a packet that may be lost (typing, presence): dropped while much is waiting. */
  sendEphemeral(packet: Packet): void
  /** Answers a client's event through Socket.IO's own ack function. */
  acknowledge(ack: (reply: object) => void, reply: object): void
  /** Says why, then closes. What waits is dropped; a peer that does not read is cut off shortly after. */
  close(event: string, data: object): void
  readonly closed: boolean
}

/** Time for the last event to reach a peer that reads. */
const CUT_AFTER_MS = 2_000
/** Share of the limit above which ephemeral events are dropped. */
const EPHEMERAL_SHARE = 0.25

/** The part of ws that says how much the kernel has not taken yet. */
interface RawSocket {
  bufferedAmount?: number
  terminate?(): void
}

export function openWriter(socket: Socket, limitBytes: number, tooSlow: () => void): Writer {
  const { conn } = socket
  /** In engine.io's queue, not handed to the transport yet. Counted in UTF-16 units, which is near enough for a limit. */
  let queued = 0
  let closed = false
  conn.on('flush', () => {
    queued = 0
  })

  // engine.io keeps its queue and the ws of a transport private; nothing else measures, or drops, what the peer has not read.
  const inside = conn as unknown as { writeBuffer: unknown[]; transport: { socket?: RawSocket } }
  const raw = (): RawSocket | undefined => inside.transport.socket
  const waiting = (): number => queued + (raw()?.bufferedAmount ?? 0)

  function write(packet: Packet): void {
    queued += packet.length
    conn.write(packet, { compress: false })
  }

  return {
    get closed() {
      return closed
    },
    send(packet) {
      if (closed) return
      write(packet)
      if (waiting() > limitBytes) tooSlow()
    },
    sendEphemeral(packet) {
      if (!closed && waiting() < limitBytes * EPHEMERAL_SHARE) write(packet)
    },
    acknowledge(ack, reply) {
      if (closed) return
      ack(reply)
      if (waiting() > limitBytes) tooSlow()
    },
    close(event, data) {
      if (closed) return
      closed = true
      inside.writeBuffer.length = 0
      conn.write(packetOf(event, data), { compress: false })
      socket.disconnect(true)
      setTimeout(() => {
        raw()?.terminate?.()
        conn.close(true)
      }, CUT_AFTER_MS).unref()
    },
  }
}
