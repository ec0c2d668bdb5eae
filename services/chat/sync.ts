import type { SyncPage } from '@parley/protocol/conversation'
import { type Cursors, expired } from './cursor.ts'
import type { Items } from './items.ts'
import type { Seen } from './membership/membership.ts'
import type { Gate } from './socket/gate.ts'
import type { ChatStore, InboxRow } from './store/store.ts'

/** What a device has missed (P4): the conversations that changed since its cursor. Without a cursor, all of them. */
export interface Sync {
  /** `cursor.expired` for a cursor of another life of the data or above the head; `unavailable` when too many sync at once. */
  page(userId: string, cursor: string | undefined, limit: number): Promise<SyncPage>
}

export function openSync(
  store: Pick<ChatStore, 'log' | 'inbox' | 'settings' | 'own'>,
  items: Items,
  cursors: Cursors,
  gate: Gate,
): Sync {
  const { log, inbox, settings, own } = store

  async function read(userId: string, cursor: string | undefined, limit: number): Promise<SyncPage> {
    const list = `inbox:${userId}`
    const after = cursor === undefined ? 0 : cursors.read(list, cursor)
    // Looked at first: the page below records that a device holds everything up to `after`.
    if (after > 0 && after > ((await inbox.heads([userId]))[0] ?? 0)) throw expired()
    const { rows, head } = await inbox.page(userId, after, limit)
    const fresh = cursor === undefined
    const reached = rows.at(-1)?.stamp ?? after
    return {
      items: await itemsOf(userId, rows, fresh),
      cursor: cursors.write(list, reached),
      more: rows.length === limit && reached < head,
    }
  }

  /** Read after the page, from the store and not from a cache: what changes later raises the row again. */
  async function itemsOf(userId: string, rows: readonly InboxRow[], fresh: boolean): Promise<SyncPage['items']> {
    const seen = await Promise.all(rows.map((row) => seenNow(userId, row)))
    const present = seen.filter((one) => one !== undefined)
    const stays = present.map(({ conversation, me }) => ({ conversationId: conversation.id, fromRev: me.fromRev }))
    const ids = stays.map(({ conversationId }) => conversationId)
    const [set, revs] = await Promise.all([settings.read(userId, stays), own.revs(userId, ids)])
    const mine = new Map(set.map((one, n) => [present[n], { settings: one, ownRev: revs[n] ?? 0 }]))
    const found = await Promise.all(
      rows.map(({ conversationId }, n) => {
        const here = seen[n]
        // A device without anything has nothing to forget.
        if (!here) return fresh ? undefined : { id: conversationId, gone: true as const }
        // Hidden until someone writes; that raises the row.
        if (here.conversation.kind === 'direct' && here.conversation.headSeq === 0) return undefined
        return items.item(here, mine.get(here))
      }),
    )
    return found.filter((item) => item !== undefined)
  }

  async function seenNow(userId: string, row: InboxRow): Promise<Seen | undefined> {
    const conversation = await log.findConversation(row.conversationId)
    const me = conversation?.members.get(userId)
    return conversation && me && { conversation, me }
  }

  return { page: (userId, cursor, limit) => gate(() => read(userId, cursor, limit)) }
}
