import { embeddedBus } from '@parley/kit/bus/embedded'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { sqliteStore } from '../store/sqlite.ts'
import { startAnalytics } from './analytics.ts'

/** What counts alone in a process, for the test that kills it: takes the event `EVENT` into the store `STORE`, and ends. */
const log = openLog('analytics', 'silent')
const bus = embeddedBus({ log })
for (const name of ['notification.alerts', 'notification.audit', 'notification.security'] as const)
  await bus.subscribe(name, async () => {})
await using store = sqliteStore(process.env.STORE!)
await using _ = await startAnalytics({ store: store.analytics, bus, log })
await bus.publish(JSON.parse(process.env.EVENT!) as BusEvent)
