import type { Bus } from '@parley/kit/bus/bus'
import type { Connections } from './socket/connections.ts'
import { packetOf } from './socket/packet.ts'

/**
 * Tells the devices of a user what changed in the user's alerts. Every node hears it from the bus and tells its own. A hint: devices
 * read their alerts again when they connect.
 */
export function openAlertNews({
  bus,
  connections,
}: {
  bus: Bus
  connections: Pick<Connections, 'of'>
}): Promise<AsyncDisposable> {
  return bus.listen(['alerts.changed'], (event) => {
    if (event.type !== 'alerts.changed') return
    const own = connections.of(event.key)
    if (own.size === 0) return
    const packet = packetOf('alerts.changed', event.data)
    for (const { writer } of own) writer.send(packet)
  })
}
