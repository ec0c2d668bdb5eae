import { embeddedBus } from '@parley/kit/bus/embedded'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { sqliteStore } from '../store/sqlite.ts'
import { startAudit } from './audit.ts'

/** What keeps the audit list alone in a process, for the test that kills it: takes the event `EVENT` into the store `STORE`, and ends. */
const bus = embeddedBus({ log: openLog('audit', 'silent') })
// What else is made of it is another's work.
for (const name of ['notification.alerts', 'notification.analytics', 'notification.security'] as const)
  await bus.subscribe(name, async () => {})
await using store = sqliteStore(process.env.STORE!)
await using _ = await startAudit({ store: store.audit, bus, keptMs: 86_400_000 })
await bus.publish(JSON.parse(process.env.EVENT!) as BusEvent)
