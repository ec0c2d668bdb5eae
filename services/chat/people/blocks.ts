import type { Bus } from '@parley/kit/bus/bus'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Conversation } from '../conversation.ts'
import { directId } from '../direct.ts'
import { noConversation } from '../membership/membership.ts'
import { openMirror, RETRY_MS } from './mirror.ts'

/** Who blocks whom, in memory and whole: what asks on the way of a message waits for nothing and costs one look into a map. */
export interface Blocks extends AsyncDisposable {
  /** Whether one of the two blocks the other: neither then hears anything of the other that is not said in a group. */
  between(userId: string, otherId: string): boolean
  /** The same of a direct conversation's two; false for any other conversation. */
  apart(conversation: Pick<Conversation, 'id' | 'kind'>): boolean
  /** Whether `otherId` has blocked that user, who is to be told what one is told of nobody. */
  hides(userId: string, otherId: string): boolean
  /**
   * Why that user may not write in this conversation, if so. To who has blocked it says so. To who was blocked it says that
   * nothing can be delivered where they see the conversation anyway, and else (`not_found`) what one is told of nobody.
   */
  refusal(userId: string, conversation: Conversation | undefined): Fault | undefined
}

interface Known {
  rev: number
  /** Those of the two who block the other. */
  by: readonly string[]
}

const PAGE = 500

/** Until they were read once nothing direct is let through. */
export async function openBlocks(deps: {
  directory: Pick<UserDirectory, 'blocks'>
  bus: Bus
  log: Log
}): Promise<Blocks> {
  const { directory, bus, log } = deps
  /** By the id of the direct conversation of the two. */
  const known = await openMirror<Known>({
    async page(after) {
      const { items, next } = await directory.blocks(after, PAGE)
      return { items: items.map(({ users, rev, by }) => [directId(...users), { rev, by }] as const), next }
    },
    type: 'contact.changed',
    news(event) {
      if (event.type !== 'contact.changed') return undefined
      const { low, high } = event.data
      const by = [low, high].filter((side) => side.blocks).map((side) => side.userId)
      return [directId(low.userId, high.userId), { rev: event.rev, by }]
    },
    isNothing: ({ by }) => by.length === 0,
    what: 'the blocks',
    bus,
    log,
  })
  const by = (id: string): readonly string[] | undefined => known.get(id)?.by
  const isBlocked = (id: string): boolean => !known.complete || (by(id)?.length ?? 0) > 0

  return {
    between: (userId, otherId) => userId !== otherId && isBlocked(directId(userId, otherId)),
    apart: ({ kind, id }) => kind === 'direct' && isBlocked(id),
    hides: (userId, otherId) => by(directId(userId, otherId))?.includes(otherId) === true && userId !== otherId,
    refusal(userId, conversation) {
      if (conversation?.kind !== 'direct' || !isBlocked(conversation.id)) return undefined
      if (!known.complete)
        return new Fault('unavailable', 'That cannot be delivered for the moment', { retryAfterMs: RETRY_MS })
      if (by(conversation.id)?.includes(userId))
        return new Fault('action.forbidden', 'You have blocked this person: unblock them to write')
      if (conversation.headSeq === 0) return noConversation()
      return new Fault('action.forbidden', 'This message cannot be delivered')
    },
    [Symbol.asyncDispose]: () => known[Symbol.asyncDispose](),
  }
}
