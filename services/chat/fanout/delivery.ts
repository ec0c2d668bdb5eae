import type { PresenceItem } from '@parley/protocol/socket'
import { Packet } from '../socket/packet.ts'
import type { Audience } from './audience.ts'

/** What one chat node passes to another: the packet as the sockets get it, and for whom it is. */
export interface NodeDelivery {
  about: Audience | { watched: PresenceItem }
  packet: Packet
  /** For those whom the entry removed. */
  gone?: Packet
}

/** One line of JSON for each part: the receiving node parses the first only, and passes the others on as they are. */
export function packDelivery(about: NodeDelivery['about'], packet: Packet, gone?: Packet): Buffer {
  const lines = [JSON.stringify(about), packet.text]
  if (gone) lines.push(gone.text)
  return Buffer.from(lines.join('\n'))
}

/** The inverse, of what another node of this service packed. JSON holds no raw line break, so a line is a part. */
export function unpackDelivery(body: Buffer): NodeDelivery {
  const [about, packet, gone] = body.toString().split('\n')
  return {
    about: JSON.parse(about!) as NodeDelivery['about'],
    packet: new Packet(packet!),
    ...(gone !== undefined && { gone: new Packet(gone) }),
  }
}
