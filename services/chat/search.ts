import { createHash } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { MessageEntry } from '@parley/protocol/conversation'
import { foldText, rangesOf } from '@parley/protocol/fold'
import { Id } from '@parley/protocol/ids'
import type { UserDirectory } from '@parley/protocol/internal'
import type { SearchPage } from '@parley/protocol/search'
import { formatSearch, parseSearch, type SearchQuery } from '@parley/protocol/search-query'
import type { Cursors } from './cursor.ts'
import { directId } from './direct.ts'
import type { Items } from './items.ts'
import { hiddenAmong } from './own.ts'
import type { ChatStore, MessageSearch } from './store/store.ts'

/** Finds messages by what is in them, among those that membership shows (P6). */
export interface Search {
  /**
   * The newest first. A page may have fewer than `limit`, or none, and a cursor to go on: a look takes a bounded time. `q` as in
   * `protocol/search-query.ts`. `validation.failed` when it has nothing to look for, or the cursor is of another search.
   */
  find(userId: string, query: { q: string; cursor?: string | undefined; limit: number }): Promise<SearchPage>
}

export function openSearch(
  store: Pick<ChatStore, 'log' | 'search' | 'own'>,
  items: Items,
  cursors: Cursors,
  directory: Pick<UserDirectory, 'findByName'>,
): Search {
  return {
    async find(userId, { q, cursor, limit }) {
      const query = parseSearch(q)
      const terms = [...new Set(query.terms.map((term) => foldText(term).trim()))].filter((term) => term !== '')
      if (terms.length === 0 && !narrows(query)) throw new Fault('validation.failed', 'Say what to look for')
      const list = listOf(userId, query)
      const below = cursor === undefined ? undefined : cursors.readText(list, cursor)
      const found = await store.search.find({
        userId,
        terms,
        limit,
        ...(below !== undefined && { below }),
        ...(query.has.length > 0 && { link: true }),
        ...(query.before !== undefined && { before: Date.parse(query.before) }),
        ...(query.after !== undefined && { since: Date.parse(query.after) }),
        ...(query.from.length > 0 && { senderIds: await sendersOf(userId, query) }),
        ...(query.in.length > 0 && { within: await placesOf(userId, query) }),
      })
      const seen = await items.named(await seenBy(userId, found.messages))
      return {
        items: seen.map((message) => ({
          conversationId: message.conversationId,
          message,
          highlights: rangesOf(message.text, terms),
        })),
        ...(found.next !== undefined && { nextCursor: cursors.writeText(list, found.next) }),
        indexedUpTo: found.indexedUpTo,
        behind: found.behind,
      }
    },
  }

  /** As membership is now, without what the user has hidden and what has disappeared, whatever it was a moment ago when the store looked. */
  async function seenBy(userId: string, messages: readonly MessageEntry[]): Promise<MessageEntry[]> {
    const ids = [...new Set(messages.map(({ conversationId }) => conversationId))]
    const members = await Promise.all(
      ids.map(async (id) => [id, (await store.log.findConversation(id))?.members.get(userId)] as const),
    )
    const byId = new Map(members)
    const hidden = new Map(
      await Promise.all(
        ids.map(async (id) => {
          const seqs = messages.filter(({ conversationId }) => conversationId === id).map(({ seq }) => seq)
          return [id, await hiddenAmong(store, userId, id, seqs)] as const
        }),
      ),
    )
    const now = Date.now()
    return messages.filter(
      ({ conversationId, seq, expiresAt }) =>
        seq >= (byId.get(conversationId)?.fromSeq ?? Infinity) &&
        !hidden.get(conversationId)?.has(seq) &&
        !(expiresAt && Date.parse(expiresAt) <= now),
    )
  }

  async function sendersOf(userId: string, { from }: SearchQuery): Promise<string[]> {
    const ids = await Promise.all(
      from.map(async (who) => {
        if (who.toLowerCase() === 'me') return userId
        return idOf(who) ?? (await directory.findByName(who))?.id
      }),
    )
    return ids.filter((id) => id !== undefined)
  }

  /** A direct conversation has the other's name for a title. */
  async function placesOf(userId: string, query: SearchQuery): Promise<NonNullable<MessageSearch['within']>> {
    const ids: string[] = []
    const titles: string[] = []
    for (const where of query.in) {
      const id = idOf(where)
      const title = foldText(where).trim()
      const other = id === undefined ? await directory.findByName(where) : undefined
      if (id !== undefined) ids.push(id)
      else if (title !== '') titles.push(title)
      if (other) ids.push(directId(userId, other.id))
    }
    return { ids, titles }
  }
}

const narrows = ({ from, in: within, before, after, has }: SearchQuery): boolean =>
  from.length > 0 || within.length > 0 || has.length > 0 || before !== undefined || after !== undefined

const idOf = (text: string): string | undefined => Id.safeParse(text).data

/** A cursor is of one search of one user. */
function listOf(userId: string, query: SearchQuery): string {
  return `search:${userId}:${createHash('sha256').update(formatSearch(query)).digest('base64url')}`
}
