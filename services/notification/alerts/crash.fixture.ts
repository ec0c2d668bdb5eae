import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { sqliteStore } from '../store/sqlite.ts'
import { openAlerts } from './alerts.ts'

/**
 * What keeps alerts alone in a process, for the test that kills it: takes the event `EVENT` into the store `STORE`, prints what the
 * devices are told of it, and ends.
 */
const bus = aloneBus({ log: openLog('alerts', 'silent') })
await using store = sqliteStore(process.env.STORE!)
await bus.listen(['alerts.changed'], (event) => void process.stdout.write(`${JSON.stringify(event.data)}\n`))
await using _ = await openAlerts({
  store: store.alerts,
  chat: { standing: async () => undefined },
  users: { find: async (ids) => ids.map((id) => ({ id, username: '' })) },
  alerted: async () => {},
  bus,
})
await bus.publish(JSON.parse(process.env.EVENT!) as BusEvent)
