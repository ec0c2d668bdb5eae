import type { DatabaseSync } from 'node:sqlite'
import { addressWrites } from './sqlite-addresses.ts'
import { alertWrites } from './sqlite-alerts.ts'
import { analyticsWrites } from './sqlite-analytics.ts'
import { auditWrites } from './sqlite-audit.ts'
import { capturedWrites } from './sqlite-captured.ts'
import { deliveryWrites } from './sqlite-deliveries.ts'
import { deviceWrites } from './sqlite-devices.ts'
import { digestWrites } from './sqlite-digests.ts'
import { preferenceWrites } from './sqlite-preferences.ts'
import { progressWrites } from './sqlite-progress.ts'
import { watchWrites } from './sqlite-watches.ts'

/** The writes, each atomic within the transaction that is open on `db`. Run by the writer's thread only. */
export function writes(db: DatabaseSync) {
  // What is removed is overwritten: a payload may hold the secret of a link.
  db.exec('PRAGMA secure_delete = ON')
  const check = db.prepare('INSERT OR REPLACE INTO checks VALUES (1, ?)')
  const deliveries = deliveryWrites(db)
  return {
    ...deliveries,
    ...addressWrites(db),
    ...alertWrites(db),
    ...analyticsWrites(db),
    ...auditWrites(db),
    ...capturedWrites(db),
    ...watchWrites(db, deliveries.planDeliveries),
    ...digestWrites(db, deliveries.planDeliveries),
    ...deviceWrites(db),
    ...preferenceWrites(db),
    ...progressWrites(db),
    check: (): void => void check.run(new Date().toISOString()),
  }
}

export type Writes = ReturnType<typeof writes>
