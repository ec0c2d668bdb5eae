import type { MessageEntry } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { ChatDirectory, Standing, StandingAsk, StandingMember, StandingMessage } from '@parley/protocol/standing'
import type { PublicUser } from '@parley/protocol/user'
import type { Conversation, Member } from './conversation.ts'
import type { Blocks } from './people/blocks.ts'
import type { People } from './people/people.ts'
import type { ChatStore } from './store/store.ts'

const nameOf = (person: PublicUser | undefined): string => person?.displayName ?? person?.username ?? ''

/** What this service answers to its siblings in the same process; `internal-routes.ts` answers the same over HTTP. */
export function openStanding(deps: {
  store: Pick<ChatStore, 'log' | 'marks' | 'settings' | 'presence'>
  people: Pick<People, 'persons'>
  blocks: Pick<Blocks, 'between' | 'hides'>
  limits: Limits
}): ChatDirectory {
  const { store, people, blocks, limits } = deps

  async function messagesOf({
    conversationId,
    fromSeq,
    toSeq,
    reactions: asked,
  }: StandingAsk): Promise<StandingMessage[]> {
    const from = Math.max(1, fromSeq, toSeq - limits.pageMax + 1)
    const messages = await store.log.readMessages(conversationId, from, toSeq)
    const answered = await authorsOf(conversationId, messages)
    const persons = await people.persons(messages.map(({ senderId }) => senderId))
    return messages.map((message) => {
      const { seq, senderId, createdAt, text, deleted, mentions, mentionsAll, replyTo, reactions } = message
      const answers = replyTo === undefined ? undefined : answered.get(replyTo)
      return {
        seq,
        senderId,
        sender: nameOf(persons.get(senderId)),
        createdAt,
        text,
        ...(deleted && { gone: true as const }),
        ...(mentions && { mentions }),
        ...(mentionsAll && { mentionsAll }),
        ...(answers !== undefined && { answers }),
        ...(asked && reactions && { reactions }),
      }
    })
  }

  /** Who wrote what these messages answer, by `seq`. */
  async function authorsOf(conversationId: string, messages: readonly MessageEntry[]): Promise<Map<number, string>> {
    const authors = new Map(messages.map(({ seq, senderId }) => [seq, senderId]))
    const missing = messages.flatMap(({ replyTo }) => (replyTo === undefined || authors.has(replyTo) ? [] : [replyTo]))
    for (const { seq, senderId } of missing.length > 0 ? await store.log.pickMessages(conversationId, missing) : [])
      authors.set(seq, senderId)
    return authors
  }

  async function membersOf(
    conversation: Conversation,
    members: readonly Member[],
    messages: readonly StandingMessage[],
  ): Promise<StandingMember[]> {
    const { id } = conversation
    const userIds = members.map(({ userId }) => userId)
    const [marks, settings, active] = await Promise.all([
      store.marks.read(id, userIds),
      store.settings.ofMembers(id, members),
      store.presence.active(userIds),
    ])
    const markOf = new Map(marks.map((mark) => [mark.userId, mark]))
    const inUse = new Set(active)
    const reacted = messages.flatMap(({ reactions = [] }) => reactions.flatMap(({ userIds }) => userIds))
    const senders = new Set([...messages.map(({ senderId }) => senderId), ...reacted])
    return members.map(({ userId, fromSeq }, at) => {
      const { deliveredSeq = 0, readSeq = 0 } = markOf.get(userId) ?? {}
      const { level, mutedUntil } = settings[at]!
      // In a direct conversation a block holds both ways; in a group only who blocks is spared the other's messages.
      const apart = [...senders].filter((senderId) =>
        conversation.kind === 'direct' ? blocks.between(senderId, userId) : blocks.hides(senderId, userId),
      )
      const standing = { userId, fromSeq, deliveredSeq, readSeq, level, mutedUntil, active: inUse.has(userId) }
      return apart.length > 0 ? { ...standing, apart } : standing
    })
  }

  return {
    async standing(ask): Promise<Standing | undefined> {
      const conversation = await store.log.findConversation(ask.conversationId)
      if (!conversation) return undefined
      const { members, kind, title, headSeq } = conversation
      const messages = await messagesOf(ask)
      const asked = ask.userIds ? ask.userIds.flatMap((userId) => members.get(userId) ?? []) : [...members.values()]
      return { kind, title, headSeq, messages, members: await membersOf(conversation, asked, messages) }
    },
  }
}
