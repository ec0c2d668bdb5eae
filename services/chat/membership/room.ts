import { Fault } from '@parley/kit/fault'
import type { Limits } from '@parley/protocol/limits'
import { eachAtOnce } from '../at-once.ts'
import type { InboxStore } from '../store/store.ts'

/** Refuses, with `action.forbidden`, what would put these users into one conversation more than anyone may be in (P8). Several at the same moment may pass it by as many. */
export type MustHaveRoom = (actorId: string, userIds: readonly string[]) => Promise<void>

const COUNTED_AT_ONCE = 4

/** One read for all, and one more for each who may have come near the limit. */
export function openRoom(inbox: Pick<InboxStore, 'heads' | 'conversationIds'>, limits: Limits): MustHaveRoom {
  const most = limits.conversationsPerUser

  return async (actorId, userIds) => {
    if (userIds.length === 0) return
    const heads = await inbox.heads(userIds)
    // Each conversation of a user has a stamp of its own: who was given fewer is in fewer.
    const near = userIds.filter((_, index) => (heads[index] ?? 0) >= most)
    await eachAtOnce(COUNTED_AT_ONCE, near, async (userId) => {
      if ((await inbox.conversationIds(userId, most)).length >= most) throw full(userId === actorId, most)
    })
  }
}

/** Of others it says neither who nor how many. */
function full(isActor: boolean, most: number): Fault {
  return new Fault(
    'action.forbidden',
    isActor
      ? `You are in ${most} conversations: leave one first`
      : 'Someone who would take part is in too many conversations',
  )
}
