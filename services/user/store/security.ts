import type { SecurityEvent } from '@parley/protocol/security'

/** One that the bus does not know of yet. */
export type StoredSecurityEvent = SecurityEvent & { id: string }

/** Of one account that wait at once; the oldest goes first. Only an outage of the bus makes any wait. */
export const SECURITY_EVENTS_AT_MOST = 20

/** What happened to accounts. Each is stored in one step with what happened, by the methods that do that. */
export interface SecurityStore {
  /** Those of which the bus does not know, in no promised order. */
  untold(limit: number): Promise<StoredSecurityEvent[]>
  /** The bus knows of these. */
  told(events: readonly Pick<StoredSecurityEvent, 'id' | 'userId'>[]): Promise<void>
}
