import { Fault } from '@parley/kit/fault'
import type { ConversationItem } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { ChangeConversation } from './change.ts'
import type { Items } from './items.ts'
import { mustMay, seenBy } from './membership/membership.ts'
import type { Blocks } from './people/blocks.ts'
import type { LogStore } from './store/store.ts'

/** How long messages stay in a conversation. */
export interface Timer {
  /**
   * For what is sent from here on; `null`: they stay. In a group the right of those who lead it. A message that was authorized
   * under another timer is decided again before it is stored.
   */
  set(userId: string, conversationId: string, afterMs: number | null): Promise<ConversationItem>
}

export function openTimer(deps: {
  log: Pick<LogStore, 'findConversation'>
  items: Pick<Items, 'item'>
  blocks: Pick<Blocks, 'refusal'>
  change: ChangeConversation
  limits: Limits
}): Timer {
  const { log, items, blocks, change, limits } = deps
  const { disappearLeastMs, disappearMostMs } = limits
  return {
    async set(userId, conversationId, afterMs) {
      const look = () => seenBy(log, userId, conversationId)
      await change({
        userId,
        conversationId,
        look,
        decide(seen) {
          mustMay(seen, 'timer.change')
          const refusal = blocks.refusal(userId, seen.conversation)
          if (refusal) throw refusal
          if (afterMs !== null && (afterMs < disappearLeastMs || afterMs > disappearMostMs))
            throw new Fault('validation.failed', `afterMs must be from ${disappearLeastMs} to ${disappearMostMs}`)
          if (seen.conversation.disappearAfterMs === afterMs) return undefined
          return { kind: 'timer.changed', disappearAfterMs: afterMs }
        },
      })
      return items.item(await look())
    },
  }
}
