import { ADDRESSES_STEP } from './sqlite-addresses.ts'
import { CAPTURED_STEP } from './sqlite-captured.ts'
import { DELIVERIES_STEP } from './sqlite-deliveries.ts'

/** The steps that make a SQLite file what this version needs. Forward only: a step once released is never edited or removed. */
export const MIGRATIONS: readonly string[] = [
  DELIVERIES_STEP,
  ADDRESSES_STEP,
  CAPTURED_STEP,
  'CREATE TABLE checks (id INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT;',
]
