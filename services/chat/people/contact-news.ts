import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { ContactSide } from '@parley/protocol/contact'
import type { Watchers } from '../presence/watchers.ts'
import type { Connections } from '../socket/connections.ts'
import { packetOf } from '../socket/packet.ts'
import type { People } from './people.ts'

/**
 * Tells the devices of two users what changed between them. Every node hears it from the bus and tells its own; only who sees a
 * change is told, so nobody hears of being blocked. A hint: devices read their contacts again when they connect.
 */
export function openContactNews(deps: {
  bus: Bus
  people: People
  connections: Connections
  watchers: Pick<Watchers, 'part'>
  log: Log
}): Promise<AsyncDisposable> {
  const { bus, people, connections, watchers, log } = deps

  async function tell({ userId, view }: ContactSide, otherId: string): Promise<void> {
    if (connections.of(userId).size === 0) return
    const { username = '', displayName, colour } = (await people.persons([otherId])).get(otherId) ?? {}
    const shown = { ...(displayName !== undefined && { displayName }), ...(colour !== undefined && { colour }) }
    const packet = packetOf('contact.changed', { userId: otherId, username, ...shown, ...view })
    for (const { writer } of connections.of(userId)) writer.send(packet)
  }

  return bus.listen(['contact.changed'], (event) => {
    if (event.type !== 'contact.changed') return
    const { low, high } = event.data
    if (low.blocks || high.blocks) watchers.part(low.userId, high.userId)
    for (const [side, other] of [
      [low, high],
      [high, low],
    ] as const)
      if (side.tell) tell(side, other.userId).catch((error) => log.warn({ err: error }, 'a contact was not told'))
  })
}
