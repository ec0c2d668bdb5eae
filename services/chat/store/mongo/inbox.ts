import type { InboxStore } from '../store.ts'
import type { Assignment, Collections, InboxHeadDocument } from './collections.ts'
import { answered, BOUNDED, READ } from './connection.ts'
import { merged } from './raise.ts'

/** Reads inboxes; `raise.ts` writes them. */
export function openInbox({ inbox, inboxHeads }: Pick<Collections, 'inbox' | 'inboxHeads'>): InboxStore {
  /** What is noted in the head document, with the rows that are already there for it. */
  async function noted({ _id: userId, recent }: InboxHeadDocument): Promise<Map<string, Assignment>> {
    if (recent.length === 0) return new Map()
    const ids = [...new Set(recent.map((note) => note.conversationId))]
    const rows = await inbox.find({ userId, conversationId: { $in: ids } }, READ).toArray()
    const byConversation = Map.groupBy([...recent, ...rows], (row) => row.conversationId)
    return new Map([...byConversation].map(([id, those]) => [id, merged(those)!]))
  }

  async function page(userId: string, after: number, limit: number) {
    const head = await inboxHeads.findOne({ _id: userId }, BOUNDED)
    if (!head) return { rows: [], head: 0 }
    const notes = await noted(head)
    const rows = new Map<string, Assignment>()
    for (const row of await rowsBetween(userId, after, head.stamp, limit + notes.size))
      rows.set(row.conversationId, row)
    for (const [id, note] of notes) rows.set(id, note)
    const ascending = [...rows.values()].filter(({ stamp }) => stamp > after && stamp <= head.stamp).sort(byStamp)
    const given = ascending.slice(0, limit).map(({ conversationId, stamp, gone }) => ({ conversationId, stamp, gone }))
    // Before the caller reads on: from now on a change of one of these conversations raises its row again.
    const synced = given.at(-1)?.stamp ?? 0
    if (synced > head.synced) await inboxHeads.updateOne({ _id: userId }, { $max: { synced } }, BOUNDED)
    return { rows: given, head: head.stamp }
  }

  async function rowsBetween(userId: string, after: number, upTo: number, limit: number) {
    if (upTo <= after) return []
    const options = { ...READ, sort: { stamp: 1 }, limit } as const
    return inbox.find({ userId, stamp: { $gt: after, $lte: upTo } }, options).toArray()
  }

  async function conversationIds(userId: string, limit: number): Promise<string[]> {
    const head = await inboxHeads.findOne({ _id: userId }, BOUNDED)
    if (!head) return []
    const notes = await noted(head)
    const options = { ...READ, limit: limit + notes.size, projection: { conversationId: 1 } }
    const rows = await inbox.find({ userId, gone: false }, options).toArray()
    const settled = rows.map((row) => row.conversationId).filter((id) => !notes.has(id))
    const recent = [...notes].filter(([, note]) => !note.gone).map(([id]) => id)
    return [...recent, ...settled].slice(0, limit)
  }

  return {
    page: (userId, after, limit) => answered(page(userId, after, limit)),
    conversationIds: (userId, limit) => answered(conversationIds(userId, limit)),
    async heads(userIds) {
      const options = { ...READ, projection: { stamp: 1 } }
      const found = await answered(inboxHeads.find({ _id: { $in: [...new Set(userIds)] } }, options).toArray())
      const stampOf = new Map(found.map(({ _id, stamp }) => [_id, stamp]))
      return userIds.map((userId) => stampOf.get(userId) ?? 0)
    },
  }
}

const byStamp = (a: Assignment, b: Assignment): number => a.stamp - b.stamp
