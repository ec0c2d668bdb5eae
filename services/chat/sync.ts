import type { ConversationGone, ConversationItem, SyncPage } from '@parley/protocol/conversation'
import { type Cursors, expired } from './cursor.ts'
import type { Gate } from './gate.ts'
import type { Items } from './items.ts'
import type { ChatStore, InboxRow } from './store/store.ts'

/** What a device has missed (P4): the conversations that changed since its cursor. Without a cursor, all of them. */
export interface Sync {
  /** `cursor.expired` for a cursor of another life of the data or above the head; `unavailable` when too many sync at once. */
  page(userId: string, cursor: string | undefined, limit: number): Promise<SyncPage>
}

export function openSync(store: Pick<ChatStore, 'log' | 'inbox'>, items: Items, cursors: Cursors, gate: Gate): Sync {
  const { log, inbox } = store

  async function read(userId: string, cursor: string | undefined, limit: number): Promise<SyncPage> {
    const list = `inbox:${userId}`
    const after = cursor === undefined ? 0 : cursors.read(list, cursor)
    // Looked at first: the page below records that a device holds everything up to `after`.
    if (after > 0 && after > ((await inbox.heads([userId]))[0] ?? 0)) throw expired()
    const { rows, head } = await inbox.page(userId, after, limit)
    const found = await Promise.all(rows.map((row) => itemOf(userId, row, cursor === undefined)))
    const reached = rows.at(-1)?.stamp ?? after
    return {
      items: found.filter((item) => item !== undefined),
      cursor: cursors.write(list, reached),
      more: rows.length === limit && reached < head,
    }
  }

  /** Read after the page, from the store and not from a cache: what changes later raises the row again. */
  async function itemOf(
    userId: string,
    row: InboxRow,
    fresh: boolean,
  ): Promise<ConversationItem | ConversationGone | undefined> {
    const conversation = await log.findConversation(row.conversationId)
    const me = conversation?.members.get(userId)
    // A device without anything has nothing to forget.
    if (!conversation || !me) return fresh ? undefined : { id: row.conversationId, gone: true }
    // Hidden until someone writes; that raises the row.
    if (conversation.kind === 'direct' && conversation.headSeq === 0) return undefined
    return items.item({ conversation, me })
  }

  return { page: (userId, cursor, limit) => gate(() => read(userId, cursor, limit)) }
}
