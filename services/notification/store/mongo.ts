import { attempt, connect, mongoClient } from '@parley/kit/mongo'
import { mongoAddresses } from './mongo-addresses.ts'
import { mongoAlerts } from './mongo-alerts.ts'
import { mongoAnalytics } from './mongo-analytics.ts'
import { mongoAudit } from './mongo-audit.ts'
import { mongoCaptured } from './mongo-captured.ts'
import { mongoDeliveries } from './mongo-deliveries.ts'
import { mongoDevices } from './mongo-devices.ts'
import { mongoDigests } from './mongo-digests.ts'
import { mongoPreferences } from './mongo-preferences.ts'
import { mongoProgress } from './mongo-progress.ts'
import { mongoWatches } from './mongo-watches.ts'
import type { NotificationStore } from './store.ts'

/**
 * The store in MongoDB, in the database that `url` names. Everything is written to a journalled majority and read from one.
 * Rejects when it cannot be reached, or an index cannot be made.
 */
export async function mongoStore(url: string): Promise<NotificationStore> {
  const client = mongoClient(url)
  try {
    await connect(client)
    const db = client.db()
    const deliveries = await mongoDeliveries(db)
    return {
      deliveries,
      addresses: await mongoAddresses(db),
      alerts: await mongoAlerts(db),
      analytics: await mongoAnalytics(db),
      audit: await mongoAudit(db),
      captured: await mongoCaptured(db),
      watches: await mongoWatches(db, deliveries),
      digests: await mongoDigests(db, deliveries),
      devices: await mongoDevices(db),
      preferences: mongoPreferences(db),
      progress: mongoProgress(db),
      check: () =>
        attempt(async () => {
          const checks = db.collection<{ _id: string; at: string }>('checks')
          await checks.updateOne({ _id: 'notification' }, { $set: { at: new Date().toISOString() } }, { upsert: true })
        }),
      [Symbol.asyncDispose]: () => client.close(),
    }
  } catch (error) {
    await client.close()
    throw error
  }
}
