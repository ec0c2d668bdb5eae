import { migrate } from '@parley/kit/migrate'
import { openFile } from '@parley/kit/sqlite/file'
import { openWriter } from '@parley/kit/sqlite/writer'
import { sqliteAddresses } from './sqlite-addresses.ts'
import { sqliteAlerts } from './sqlite-alerts.ts'
import { sqliteAnalytics } from './sqlite-analytics.ts'
import { sqliteAudit } from './sqlite-audit.ts'
import { sqliteCaptured } from './sqlite-captured.ts'
import { sqliteDeliveries } from './sqlite-deliveries.ts'
import { sqliteDevices } from './sqlite-devices.ts'
import { sqliteDigests } from './sqlite-digests.ts'
import { sqlitePreferences } from './sqlite-preferences.ts'
import { sqliteProgress } from './sqlite-progress.ts'
import { MIGRATIONS } from './sqlite-schema.ts'
import { sqliteWatches } from './sqlite-watches.ts'
import type { Writes } from './sqlite-writes.ts'
import type { NotificationStore } from './store.ts'

/** The store in one SQLite file, made if it is not there. Reads run here, writes in a worker. Throws when the file cannot be opened or is of a newer version. */
export function sqliteStore(path: string): NotificationStore {
  const db = openFile(path)
  migrate(db, MIGRATIONS)
  const writer = openWriter<Writes>(path, new URL('./sqlite-writes.ts', import.meta.url))
  return {
    deliveries: sqliteDeliveries(db, writer.write),
    addresses: sqliteAddresses(db, writer.write),
    alerts: sqliteAlerts(db, writer.write),
    analytics: sqliteAnalytics(db, writer.write),
    audit: sqliteAudit(db, writer.write),
    captured: sqliteCaptured(db, writer.write),
    watches: sqliteWatches(db, writer.write),
    digests: sqliteDigests(db, writer.write),
    devices: sqliteDevices(db, writer.write),
    preferences: sqlitePreferences(db, writer.write),
    progress: sqliteProgress(db, writer.write),
    check: () => writer.write('check'),
    async [Symbol.asyncDispose]() {
      await writer.close()
      db.close()
    },
  }
}
