import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { sqliteStore } from '../store/sqlite.ts'
import { startAnalytics } from './analytics.ts'

/** What counts alone in a process, for the test that kills it: takes the event `EVENT` into the store `STORE`, and ends. */
const log = openLog('analytics', 'silent')
const bus = aloneBus({ log })
await using store = sqliteStore(process.env.STORE!)
await using _ = await startAnalytics({ store: store.analytics, bus, log })
await bus.publish(JSON.parse(process.env.EVENT!) as BusEvent)
