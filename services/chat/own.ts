import { Fault } from '@parley/kit/fault'
import type { MessageEntry, StarredPage } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { OwnChange, OwnChanged, OwnMark, OwnPage } from '@parley/protocol/own'
import type { Conversation } from './conversation.ts'
import type { Cursors } from './cursor.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { Items } from './items.ts'
import { noConversation, seenBy } from './membership/membership.ts'
import type { ChatStore, Starred } from './store/store.ts'

/** What members make of messages for themselves: starred, hidden. `not_found` for who may not see one of the messages. */
export interface Own {
  /**
   * Tells the user's own devices once it is stored. `action.forbidden` when as many are starred as may be (several starred in the
   * same moment may pass that by as many).
   */
  change(userId: string, conversationId: string, change: OwnChange): Promise<OwnChanged>
  /** What changed above `after`, for a device that was away. */
  page(userId: string, conversationId: string, after: number, limit: number): Promise<OwnPage>
  /** What one has starred in the conversations that one is in, the latest first, as the messages are now. A page may be short, or empty, before the last. */
  starred(userId: string, query: { cursor?: string | undefined; limit: number }): Promise<StarredPage>
}

/** Which of these messages the user has hidden: whatever shows messages by another way than the log, such as a search, leaves them out. */
export async function hiddenAmong(
  store: Pick<ChatStore, 'own'>,
  userId: string,
  conversationId: string,
  seqs: readonly number[],
): Promise<ReadonlySet<number>> {
  if (seqs.length === 0) return new Set()
  const marks: OwnMark[] = []
  const asked = [...seqs].sort((a, b) => a - b)
  // What lies together is one read.
  for (let n = 0; n < asked.length; ) {
    const from = asked[n]!
    const found = await store.own.among(userId, conversationId, from, from + SPAN - 1)
    marks.push(...found)
    while (n < asked.length && asked[n]! < from + SPAN) n++
  }
  return new Set(marks.filter(({ hidden }) => hidden).map(({ seq }) => seq))
}

const SPAN = 200
/** So many stars are looked through at a time for those of stays that have ended. */
const LOOKED_AT = 200

export function openOwn(deps: {
  store: Pick<ChatStore, 'log' | 'own'>
  items: Pick<Items, 'named'>
  cursors: Cursors
  fanout: Pick<Fanout, 'event'>
  limits: Limits
}): Own {
  const { store, items, cursors, fanout, limits } = deps
  const { log, own } = store

  async function change(userId: string, conversationId: string, wanted: OwnChange): Promise<OwnChanged> {
    const { conversation, me } = await seenBy(log, userId, conversationId)
    if (wanted.seqs.some((seq) => seq < me.fromSeq || seq > conversation.headSeq)) throw noMessage()
    if (wanted.starred) await mustHavePlace(userId, wanted.seqs.length)
    const done = await own.change({ conversationId, userId, fromRev: me.fromRev }, wanted)
    if (!done) throw noConversation()
    if (done.items.length > 0) {
      const audience = { conversationId, membersRev: conversation.membersRev, only: [userId] }
      void fanout.event('message.own', { conversationId, ...done }, audience)
    }
    return done
  }

  async function mustHavePlace(userId: string, more: number): Promise<void> {
    const most = limits.starredPerUser
    const full = async () => (await own.countStarred(userId, most)) + more > most
    if (!(await full())) return
    await forgetEnded(userId)
    if (await full()) throw new Fault('action.forbidden', `At most ${most} messages can be starred`)
  }

  /** Stars of what one has left would take place for ever: nobody can take them back. */
  async function forgetEnded(userId: string): Promise<void> {
    const seen = windows(userId)
    for (let before: number | undefined, more = true; more; ) {
      const found = await own.starred(userId, LOOKED_AT, before)
      const ended: Starred[] = []
      for (const one of found) if (!(await seen(one))) ended.push(one)
      if (ended.length > 0) await own.unstar(userId, ended)
      before = found.at(-1)?.place
      more = found.length === LOOKED_AT
    }
  }

  /** Answers whether that user may see a message now; reads each conversation once. */
  function windows(userId: string): (message: Pick<Starred, 'conversationId' | 'seq'>) => Promise<boolean> {
    const known = new Map<string, Promise<Conversation | undefined>>()
    return async ({ conversationId, seq }) => {
      const reading = known.get(conversationId) ?? log.findConversation(conversationId)
      known.set(conversationId, reading)
      const fromSeq = (await reading)?.members.get(userId)?.fromSeq
      return fromSeq !== undefined && seq >= fromSeq
    }
  }

  async function starred(
    userId: string,
    { cursor, limit }: { cursor?: string | undefined; limit: number },
  ): Promise<StarredPage> {
    const list = `starred:${userId}`
    const before = cursor === undefined ? undefined : cursors.read(list, cursor)
    const found = await own.starred(userId, limit + 1, before)
    const rows = found.length > limit ? upToATie(found) : found
    const seen = windows(userId)
    const visible: Starred[] = []
    for (const row of rows) if (await seen(row)) visible.push(row)
    const messages = await messagesOf(visible)
    const last = rows.at(-1)
    return {
      items: await items.named(messages.filter(({ deleted }) => !deleted)),
      ...(rows.length < found.length && last && { nextCursor: cursors.write(list, last.place) }),
    }
  }

  /** In the order of the rows. */
  async function messagesOf(rows: readonly Starred[]): Promise<MessageEntry[]> {
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId)
    const found = await Promise.all(
      [...byConversation].map(([id, those]) =>
        log.pickMessages(
          id,
          those.map(({ seq }) => seq),
        ),
      ),
    )
    const keyOf = ({ conversationId, seq }: Pick<Starred, 'conversationId' | 'seq'>) => `${conversationId} ${seq}`
    const byKey = new Map(found.flat().map((message) => [keyOf(message), message]))
    return rows.flatMap((row) => byKey.get(keyOf(row)) ?? [])
  }

  return {
    change,
    async page(userId, conversationId, after, limit) {
      const { me } = await seenBy(log, userId, conversationId)
      return own.page(userId, conversationId, me.fromSeq, after, limit)
    },
    starred,
  }
}

/** Without the last, and without those that have the same place as it: the next page begins with them. All, where that leaves nothing. */
function upToATie(found: readonly Starred[]): readonly Starred[] {
  const last = found.at(-1)?.place
  const before = found.filter(({ place }) => place !== last)
  return before.length > 0 ? before : found.slice(0, -1)
}

const noMessage = (): Fault => new Fault('not_found', 'There is no such message')
