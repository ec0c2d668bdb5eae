import type { AddressStore } from './addresses.ts'
import type { CapturedStore } from './captured.ts'
import type { DeliveryStore } from './deliveries.ts'

/**
 * What the notification service keeps. Two implementations (`sqlite.ts`, `mongo.ts`), one contract suite (`store.contract.ts`).
 * Each method is one atomic step, durable when it resolves, among any number of processes. Rejects `unavailable` (retryable) when
 * the store cannot say that. Times are milliseconds since 1970 by the caller's clock: no store asks for the time.
 */
export interface NotificationStore extends AsyncDisposable {
  readonly deliveries: DeliveryStore
  readonly addresses: AddressStore
  readonly captured: CapturedStore
  /** Resolves when the store can commit now; rejects `unavailable`. */
  check(): Promise<void>
}
