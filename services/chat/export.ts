import type { Control } from '@parley/kit/control'
import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { ExportLine } from '@parley/protocol/export'
import type { Limits } from '@parley/protocol/limits'
import type { Items } from './items.ts'
import { type Seen, seenBy } from './membership/membership.ts'
import type { Gate } from './socket/gate.ts'
import type { ChatStore } from './store/store.ts'

/**
 * All conversations of a user with what may be seen of them, in batches. Membership is looked at anew before each (P6), and the
 * session, too (P9): once that is over it ends with `auth.invalid`. What one has hidden for oneself is left out.
 */
export type Export = (actor: Actor) => AsyncGenerator<readonly ExportLine[]>

/** Of the longest messages there are, so many are two MB. */
const PAGE = 50

/** Pages go through `gate`, beside the syncs. */
export function openExport(needs: {
  store: Pick<ChatStore, 'log' | 'own' | 'inbox'>
  items: Pick<Items, 'item' | 'named'>
  control: Pick<Control, 'check'>
  gate: Gate
  limits: Limits
}): Export {
  const { store, items, control, gate, limits } = needs
  const { log, own, inbox } = store

  async function find(userId: string, id: string): Promise<Seen | undefined> {
    return seenBy(log, userId, id).catch((error) => {
      // Left, or removed, meanwhile.
      if (error instanceof Fault && error.code === 'not_found') return undefined
      throw error
    })
  }

  /** The messages of one page with what one has made of them; undefined where one is a member no more. */
  async function page(userId: string, id: string, from: number): Promise<ExportLine[] | undefined> {
    const seen = await find(userId, id)
    if (!seen || from < seen.me.fromSeq) return undefined
    const to = Math.min(from + PAGE - 1, seen.conversation.headSeq)
    const [messages, marks] = await Promise.all([
      log.readMessages(id, from, to).then((read) => items.named(read)),
      own.among(userId, id, from, to),
    ])
    const hidden = new Set(marks.filter((mark) => mark.hidden).map(({ seq }) => seq))
    return [
      ...messages.filter(({ seq }) => !hidden.has(seq)).map((message) => ({ type: 'message' as const, message })),
      ...marks.map((mark) => ({ type: 'mark' as const, conversationId: id, mark })),
    ]
  }

  return async function* (actor) {
    const { userId } = actor
    let lines = 0
    for (const id of await inbox.conversationIds(userId, limits.conversationsPerUser)) {
      control.check(actor)
      const seen = await find(userId, id)
      // An empty direct conversation is hidden until someone writes.
      if (!seen || (seen.conversation.kind === 'direct' && seen.conversation.headSeq === 0)) continue
      lines++
      // The last message comes among the messages, unless one has hidden it.
      const { lastMessage: _, ...conversation } = await items.item(seen)
      yield [{ type: 'conversation', conversation }]
      for (let from = seen.me.fromSeq; from <= seen.conversation.headSeq; from += PAGE) {
        control.check(actor)
        const batch = await gate(() => page(userId, id, from))
        if (!batch) break
        lines += batch.length
        yield batch
      }
    }
    yield [{ type: 'end', part: 'conversations', lines }]
  }
}
