import { Fault } from '@parley/kit/fault'
import type { MemberItem, Role } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import { mayRemove } from '@parley/protocol/rights'
import type { Change, ChangeConversation } from '../change.ts'
import { keyedAdditionId } from '../direct.ts'
import type { Items } from '../items.ts'
import type { Blocks } from '../people/blocks.ts'
import type { People } from '../people/people.ts'
import type { LogStore } from '../store/store.ts'
import { mustMay, type Seen, seenBy } from './membership.ts'
import type { MustHaveRoom } from './room.ts'

/** Who is in a group and as what. Who may not see it is told `not_found`; who may see it but not do this, `action.forbidden`. */
export interface Members {
  /** With names, in order of joining. */
  list(userId: string, id: string): Promise<MemberItem[]>
  /**
   * Those who are in already stay as they are. Who was removed by another comes in again by this, and may then use invites again.
   * The same `key` with the same users adds them once, so that a repeat brings nobody back who has been removed since; with
   * others it is `idempotency.mismatch`. Gives the members as they are now.
   */
  add(userId: string, id: string, userIds: readonly string[], key?: string): Promise<MemberItem[]>
  /** Who stands below oneself; or oneself, to leave. An owner who leaves passes the group on. */
  remove(userId: string, id: string, targetId: string): Promise<void>
  /** Makes an admin, or unmakes one; `owner` hands the group over, and the former owner stays as an admin. */
  setRole(userId: string, id: string, targetId: string, role: Role): Promise<MemberItem[]>
}

/** That these can be put into a conversation by that user. */
export interface Newcomers {
  /** Who has blocked the user is as good as nobody. */
  mustExist(userId: string, userIds: readonly string[]): Promise<void>
  mustHaveRoom: MustHaveRoom
  /** No group has more members than that. */
  mustFit(count: number): void
}

export function openNewcomers(deps: {
  people: People
  blocks: Pick<Blocks, 'hides'>
  mustHaveRoom: MustHaveRoom
  limits: Limits
}): Newcomers {
  const { people, blocks, mustHaveRoom, limits } = deps
  return {
    async mustExist(userId, userIds) {
      const known = await people.find(userIds)
      if (userIds.some((id) => !known.has(id) || blocks.hides(userId, id)))
        throw new Fault('not_found', 'There is no such user')
    },
    mustHaveRoom,
    mustFit(count) {
      if (count > limits.groupMembers)
        throw new Fault('validation.failed', `A group has at most ${limits.groupMembers} members`)
    },
  }
}

export function openMembers(deps: {
  log: LogStore
  items: Items
  newcomers: Newcomers
  change: ChangeConversation
}): Members {
  const { log, items, newcomers, change } = deps
  const inIt = (
    userId: string,
    id: string,
    decide: (seen: Seen) => Change | undefined,
    repeat?: { id: string; content: string },
  ) => change({ userId, conversationId: id, look: () => seenBy(log, userId, id), decide, repeat })

  return {
    list: async (userId, id) => items.members((await seenBy(log, userId, id)).conversation),

    async add(userId, id, userIds, key) {
      const before = await seenBy(log, userId, id)
      const wanted = [...new Set(userIds)]
      const repeat = key === undefined ? undefined : repeatOf(userId, id, wanted, key)
      // What was stored under that key is looked up before anything is refused.
      const again = repeat !== undefined && (await log.findEntry(id, repeat.id)) !== undefined
      if (again) {
        // Nobody more: the entry is there, or it was of others.
        const { conversation } = await inIt(userId, id, () => ({ kind: 'members.added', userIds: [] }), repeat)
        return items.members(conversation)
      }
      mustMay(before, 'members.add')
      const strangers = new Set(userIds.filter((other) => !before.conversation.members.has(other)))
      await newcomers.mustExist(userId, [...strangers])
      await newcomers.mustHaveRoom(userId, [...strangers])
      const { conversation } = await inIt(
        userId,
        id,
        (seen) => {
          mustMay(seen, 'members.add')
          const added = wanted.filter((other) => !seen.conversation.members.has(other))
          newcomers.mustFit(seen.conversation.members.size + added.length)
          return added.length > 0 ? { kind: 'members.added', userIds: added } : undefined
        },
        repeat,
      )
      return items.members(conversation)
    },

    async remove(userId, id, targetId) {
      await inIt(userId, id, (seen) => {
        const { conversation, me } = seen
        mustBeGroup(seen)
        const target = conversation.members.get(targetId)
        if (targetId !== userId) {
          mustMay(seen, 'members.remove')
          if (target && !mayRemove(me.role, target.role))
            throw new Fault('action.forbidden', 'Only who stands below oneself can be removed')
        }
        return target && { kind: 'members.removed', userIds: [targetId] }
      })
    },

    async setRole(userId, id, targetId, role) {
      const { conversation } = await inIt(userId, id, (seen) => {
        const { conversation, me } = seen
        mustBeGroup(seen)
        const target = conversation.members.get(targetId)
        // Who handed the group over is an admin since then, and may not have heard that it went well.
        if (role === 'owner' && target?.role === 'owner' && me.role !== 'member') return undefined
        mustMay(seen, role === 'owner' ? 'members.handOver' : 'members.role')
        if (!target) throw new Fault('not_found', 'There is no such member')
        if (target.role === role) return undefined
        if (target.role === 'owner')
          throw new Fault('action.forbidden', 'A group has an owner always: make another one the owner')
        return { kind: 'members.role', userId: targetId, role }
      })
      return items.members(conversation)
    },
  }
}

const repeatOf = (userId: string, conversationId: string, wanted: readonly string[], key: string) => ({
  id: keyedAdditionId(userId, conversationId, key),
  content: JSON.stringify([...wanted].sort()),
})

function mustBeGroup(seen: Seen): void {
  if (seen.conversation.kind !== 'group') mustMay(seen, 'members.remove')
}
