import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { AlertStore } from '../store/alerts.ts'
import { newsFor } from './alerts.ts'

const AT_ONCE = 500

/**
 * Forgets what happened before `before`. The devices of its users are told first, since what nobody has read of it counts as unread no
 * more: else they would show a number that is not so. Rejects where that cannot be told; what was not told then is told the next time.
 */
export async function forgetOldAlerts(
  store: AlertStore,
  bus: Pick<Bus, 'publish'>,
  before: number,
  isStopped: () => boolean,
): Promise<void> {
  while (!isStopped()) {
    const removals = await store.expire(before, AT_ONCE)
    crashPoint('alerts.after-store')
    for (const { userId, rev, unread, gone } of removals) await bus.publish(newsFor(userId, { rev, unread, gone }))
    const ids = removals.flatMap(({ gone }) => gone)
    // What came again meanwhile is not old any more, and comes no more in the next step.
    await store.purge(ids, before)
    if (ids.length < AT_ONCE) return
  }
}
