import { crashPoint } from '@parley/kit/crash'
import type { UserDirectory } from '@parley/protocol/internal'
import type { DeliveryStore, NewDelivery } from '../store/deliveries.ts'

/**
 * Takes mail into the ledger that an event asks for. Of who is there no more nothing is planned or kept: the event may come after all of
 * theirs was forgotten. Asked once it is written, so that who is deleted after this is forgotten after it, too. Rejects `unavailable` where
 * that cannot be asked; then the event comes again.
 */
export type PlanMail = (delivery: NewDelivery) => Promise<void>

export function openPlanMail(needs: {
  deliveries: Pick<DeliveryStore, 'plan' | 'forget'>
  users: Pick<UserDirectory, 'find'>
  /** Called when a mail is planned. */
  planned: () => void
  now: () => number
}): PlanMail {
  const { deliveries, users, planned, now } = needs
  return async (delivery) => {
    const { userId } = delivery
    crashPoint('delivery.before-plan')
    await deliveries.plan([delivery])
    crashPoint('delivery.after-plan')
    if (userId !== undefined && !(await isThere(users, userId))) return deliveries.forget(userId, now())
    planned()
  }
}

export const isThere = async (users: Pick<UserDirectory, 'find'>, userId: string): Promise<boolean> =>
  (await users.find([userId])).length > 0
