import type { MentionsPage, MessageExtras } from '@parley/protocol/conversation'
import { foldName } from '@parley/protocol/fold-name'
import type { Limits } from '@parley/protocol/limits'
import { parseMarkup, plainTexts } from '@parley/protocol/markup'
import { ALL, mentionsIn } from '@parley/protocol/mentions'
import { may } from '@parley/protocol/rights'
import type { Conversation } from './conversation.ts'
import { seenBy } from './membership/membership.ts'
import type { Blocks } from './people/blocks.ts'
import type { People } from './people/people.ts'
import type { LogStore } from './store/store.ts'

/** Whom a text names. */
export type Named = Pick<MessageExtras, 'mentions' | 'mentionsAll'>

/** Members named in messages. */
export interface Mentions {
  /**
   * Whom the text of that member names: members by their user names (those alone who are in it now), and everybody, where the
   * member may. Undefined, without a wait, for a text without `@`. A name that cannot be looked up now is only text.
   */
  namedBy(senderId: string, text: string, conversation: Conversation): Promise<Named> | undefined
  /** The messages after `seq` `after` up to `upTo` that name the user, or everybody, ascending, at most `limit`; not the user's own, nor those of people whom the user has blocked. */
  of(userId: string, conversationId: string, after: number, upTo: number, limit: number): Promise<number[]>
  /**
   * The same for a member, within what the member may see. Reads no more than `limits.unreadMax` of those that name the member, so that
   * there may be none on a page: as long as there is `nextAfter`, more may come after that one.
   */
  list(userId: string, conversationId: string, after: number, limit: number): Promise<MentionsPage>
}

/** Everybody's names in a conversation, by their folded form. */
type Roll = ReadonlyMap<string, string>

export function openMentions(deps: {
  log: Pick<LogStore, 'readMentions' | 'findConversation'>
  people: Pick<People, 'names'>
  blocks: Pick<Blocks, 'hides'>
  limits: Limits
}): Mentions {
  const { log, people, blocks, limits } = deps
  /** The same members are asked for with each message. */
  const rolls = new WeakMap<Conversation['members'], Roll>()

  async function rollOf(members: Conversation['members']): Promise<Roll> {
    const known = rolls.get(members)
    if (known) return known
    const names = await people.names(members.keys())
    const roll = new Map([...names].map(([id, name]) => [foldName(name), id]))
    // One who could not be looked up may be known the next time.
    if (names.size === members.size) rolls.set(members, roll)
    return roll
  }

  async function find(senderId: string, text: string, { kind, members }: Conversation): Promise<Named> {
    const texts = plainTexts(parseMarkup(text)).filter((each) => each.includes('@'))
    if (texts.length === 0) return {}
    const roll = await rollOf(members)
    const sender = members.get(senderId)
    const toAll = sender !== undefined && may(sender.role, kind, 'mention.all')
    const idOf = (name: string) => (toAll && name === ALL ? ALL : roll.get(name))
    const named = new Set(texts.flatMap((each) => mentionsIn(each, idOf).map(({ id }) => id)))
    const everybody = named.delete(ALL)
    const mentions = [...named].slice(0, limits.mentionsPerMessage)
    return { ...(mentions.length > 0 && { mentions }), ...(everybody && { mentionsAll: true as const }) }
  }

  async function page(
    userId: string,
    conversationId: string,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<MentionsPage> {
    if (upTo <= after) return { items: [] }
    const most = limits.unreadMax + 1
    const found = await log.readMentions(conversationId, userId, after + 1, upTo, most)
    const counting = found.filter(({ senderId }) => senderId !== userId && !blocks.hides(senderId, userId))
    const items = counting.slice(0, limit).map(({ seq }) => seq)
    const passed = counting.length > limit ? items.at(-1) : found.length === most ? found.at(-1)?.seq : undefined
    return { items, ...(passed !== undefined && passed < upTo && { nextAfter: passed }) }
  }

  return {
    namedBy: (senderId, text, conversation) => (text.includes('@') ? find(senderId, text, conversation) : undefined),
    // Those that do not count are few: if they fill what was read, there are fewer than `limit` in the answer.
    of: async (...range) => (await page(...range)).items,
    async list(userId, conversationId, after, limit) {
      const { conversation, me } = await seenBy(log, userId, conversationId)
      return page(userId, conversationId, Math.max(after, me.fromSeq - 1), conversation.headSeq, limit)
    },
  }
}
