import { type TestContext, test } from 'node:test'
import { addressesContract } from './addresses.contract.ts'
import { alertsContract } from './alerts.contract.ts'
import { alertsModel } from './alerts.model.ts'
import { analyticsContract } from './analytics.contract.ts'
import { auditContract } from './audit.contract.ts'
import { byMessageContract } from './by-message.contract.ts'
import { capturedContract } from './captured.contract.ts'
import { deliveriesContract } from './deliveries.contract.ts'
import { deliveriesModel } from './deliveries.model.ts'
import { devicesContract } from './devices.contract.ts'
import { digestsContract } from './digests.contract.ts'
import { retentionContract } from './retention.contract.ts'
import type { NotificationStore } from './store.ts'
import { watchesContract } from './watches.contract.ts'

/** Opens so many stores on one fresh, empty place, each standing for another process, and closes them when the test is over. */
export type Several = (t: TestContext, count: number) => Promise<NotificationStore[]>

/** Where stores keep what they keep. */
export interface Place {
  /** Opens a store on it; each call stands for another process. */
  open(): Promise<NotificationStore>
  /** All that is written there, as whoever looks into it would find it. */
  written(): Promise<string>
}

/**
 * What every notification store promises. `place` makes a fresh, empty one. Whoever supplies it removes it in `t.after`; the suite closes
 * the stores. `runs` is how many random histories it goes through.
 */
export function notificationStoreContract(name: string, runs: number, place: (t: TestContext) => Promise<Place>): void {
  const several: Several = async (t, count) => {
    const stores: NotificationStore[] = []
    t.after(() => Promise.all(stores.map((store) => store[Symbol.asyncDispose]())))
    const { open } = await place(t)
    for (let i = 0; i < count; i++) stores.push(await open())
    return stores
  }

  deliveriesContract(name, several)
  deliveriesModel(name, several, runs)
  byMessageContract(name, several)
  addressesContract(name, several)
  capturedContract(name, several)
  watchesContract(name, several)
  devicesContract(name, several)
  alertsContract(name, several)
  alertsModel(name, several, runs)
  analyticsContract(name, several, runs)
  auditContract(name, several, runs)
  digestsContract(name, several)
  retentionContract(name, place)

  test(`${name}: a store that can commit says so`, async (t) => {
    const [store] = await several(t, 1)
    await store!.check()
  })
}
