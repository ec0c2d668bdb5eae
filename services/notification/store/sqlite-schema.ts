import { ADDRESSES_STEP } from './sqlite-addresses.ts'
import { ALERTS_STEP } from './sqlite-alerts.ts'
import { ANALYTICS_STEP } from './sqlite-analytics.ts'
import { AUDIT_STEP } from './sqlite-audit.ts'
import { CAPTURED_STEP } from './sqlite-captured.ts'
import { COVERED_STEP, DELIVERIES_STEP, FAILURES_STEP, FOUND_STEP } from './sqlite-deliveries.ts'
import { DEVICES_STEP, REFUSED_STEP } from './sqlite-devices.ts'
import { DIGESTS_STEP } from './sqlite-digests.ts'
import { PREFERENCES_STEP } from './sqlite-preferences.ts'
import { PROGRESS_STEP } from './sqlite-progress.ts'
import { FORGOTTEN_STEP, WATCHES_STEP } from './sqlite-watches.ts'

/** The steps that make a SQLite file what this version needs. Forward only: a step once released is never edited or removed. */
export const MIGRATIONS: readonly string[] = [
  DELIVERIES_STEP,
  ADDRESSES_STEP,
  CAPTURED_STEP,
  'CREATE TABLE checks (id INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT;',
  WATCHES_STEP,
  DEVICES_STEP,
  PREFERENCES_STEP,
  PROGRESS_STEP,
  REFUSED_STEP,
  ALERTS_STEP,
  DIGESTS_STEP,
  ANALYTICS_STEP,
  AUDIT_STEP,
  FORGOTTEN_STEP,
  COVERED_STEP,
  FOUND_STEP,
  FAILURES_STEP,
]
