import type { AddressStore } from './addresses.ts'
import type { AlertStore } from './alerts.ts'
import type { AnalyticsStore } from './analytics.ts'
import type { AuditStore } from './audit.ts'
import type { CapturedStore } from './captured.ts'
import type { DeliveryStore } from './deliveries.ts'
import type { DeviceStore } from './devices.ts'
import type { DigestStore } from './digests.ts'
import type { PreferenceStore } from './preferences.ts'
import type { ProgressStore } from './progress.ts'
import type { WatchStore } from './watches.ts'

/**
 * What the notification service keeps. Two implementations (`sqlite.ts`, `mongo.ts`), one contract suite (`store.contract.ts`).
 * Each method is one atomic step, durable when it resolves, among any number of processes. Rejects `unavailable` (retryable) when
 * the store cannot say that; with any other error where it could never be. Times are milliseconds since 1970 by the caller's clock: no store asks for the time.
 */
export interface NotificationStore extends AsyncDisposable {
  readonly deliveries: DeliveryStore
  readonly addresses: AddressStore
  readonly alerts: AlertStore
  readonly analytics: AnalyticsStore
  readonly audit: AuditStore
  readonly captured: CapturedStore
  readonly watches: WatchStore
  readonly digests: DigestStore
  readonly devices: DeviceStore
  readonly preferences: PreferenceStore
  readonly progress: ProgressStore
  /** Resolves when the store can commit now; rejects `unavailable`. */
  check(): Promise<void>
}
