import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { sqliteStore } from '../store/sqlite.ts'
import { startAudit } from './audit.ts'

/** What keeps the audit list alone in a process, for the test that kills it: takes the event `EVENT` into the store `STORE`, and ends. */
const bus = aloneBus({ log: openLog('audit', 'silent') })
await using store = sqliteStore(process.env.STORE!)
await using _ = await startAudit({ store: store.audit, bus, keptMs: 86_400_000 })
await bus.publish(JSON.parse(process.env.EVENT!) as BusEvent)
