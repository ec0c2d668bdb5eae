import type { ConversationItem, MemberItem, MessageEntry } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import { type Settings, UNSET } from '@parley/protocol/settings'
import { namedInEvent, type TimelineEvent } from '@parley/protocol/timeline-event'
import type { PublicUser } from '@parley/protocol/user'
import type { Conversation } from './conversation.ts'
import type { Seen } from './membership/membership.ts'
import type { Mentions } from './mentions.ts'
import type { Blocks } from './people/blocks.ts'
import type { Discretion } from './people/discretion.ts'
import type { People } from './people/people.ts'
import { pinnedFor } from './pins.ts'
import type { ChatStore } from './store/store.ts'

/** Conversations as their members see them. */
export interface Items {
  /** As it is now. `mine`: what is the member's own, where it was read already. */
  item(seen: Seen, mine?: { settings: Settings; ownRev: number }): Promise<ConversationItem>
  /** The members with their names, in order of joining. */
  members(conversation: Conversation): Promise<MemberItem[]>
  /** Whom these events name, and who caused them, as they are shown; of very many the first. */
  people(events: readonly TimelineEvent[]): Promise<PublicUser[]>
  /** Messages with their senders' names. */
  named(messages: readonly MessageEntry[]): Promise<(MessageEntry & { sender: string })[]>
}

export function openItems(deps: {
  store: Pick<ChatStore, 'log' | 'marks' | 'settings' | 'own'>
  people: People
  blocks: Pick<Blocks, 'apart'>
  discretion: Pick<Discretion, 'parts'>
  mentions: Pick<Mentions, 'of'>
  limits: Limits
}): Items {
  const { store, people, blocks, discretion, mentions, limits } = deps
  const { log, marks } = store

  async function members(conversation: Conversation): Promise<MemberItem[]> {
    const persons = await people.persons(conversation.members.keys())
    return [...conversation.members.values()].map(({ userId, role }) => {
      const { username = '', id: _, ...shown } = persons.get(userId) ?? {}
      if (username === '' && persons.has(userId)) return { userId, username, role, deleted: true }
      return { userId, username, ...shown, role }
    })
  }

  async function named(messages: readonly MessageEntry[]): Promise<(MessageEntry & { sender: string })[]> {
    const names = await people.names(messages.map((m) => m.senderId))
    return messages.map((m) => ({ ...m, sender: names.get(m.senderId) ?? '' }))
  }

  async function peopleOf(events: readonly TimelineEvent[]): Promise<PublicUser[]> {
    const ids = [...new Set(events.flatMap(namedInEvent))].slice(0, limits.idsPerCall)
    return [...(await people.persons(ids)).values()]
  }

  async function title(conversation: Conversation, userId: string): Promise<string> {
    if (conversation.kind === 'group') return conversation.title
    const other = [...conversation.members.keys()].find((id) => id !== userId) ?? userId
    return (await people.names([other])).get(other) ?? ''
  }

  return {
    async item({ conversation, me }, known) {
      const { id, kind, description, rev, headSeq, membersRev } = conversation
      const small = conversation.members.size <= limits.marksMembers
      const isNew = rev === 1
      const pinned = pinnedFor({ conversation, me })
      const [shown, list, allMarks, last, [settings = UNSET], [ownRev = 0]] = await Promise.all([
        title(conversation, me.userId),
        small ? members(conversation) : undefined,
        isNew ? [] : marks.read(id, small ? undefined : [me.userId]),
        headSeq >= me.fromSeq ? log.readMessages(id, headSeq, headSeq).then(named) : [],
        known ? [known.settings] : store.settings.read(me.userId, [{ conversationId: id, fromRev: me.fromRev }]),
        known ? [known.ownRev] : isNew ? [] : store.own.revs(me.userId, [id]),
      ])
      const own = allMarks.find((m) => m.userId === me.userId)
      // Whether they kept their marks back is forgotten with the account.
      const gone = new Set(list?.flatMap(({ userId, deleted }) => (deleted ? [userId] : [])))
      const readSeq = own?.readSeq ?? 0
      const readFrom = Math.max(readSeq, me.fromSeq - 1)
      const most = limits.unreadMax + 1
      const { count: unread, until } =
        headSeq > readFrom ? await log.countOthers(id, me.userId, readFrom, headSeq, most) : { count: 0 }
      const naming = unread > 0 ? await mentions.of(me.userId, id, readFrom, headSeq, most) : []
      return {
        id,
        kind,
        title: shown,
        ...(description && { description }),
        rev,
        headSeq,
        membersRev,
        memberCount: conversation.members.size,
        ...(list && { members: list }),
        ...(last[0] && { lastMessage: last[0] }),
        ...(conversation.disappearAfterMs !== null && { disappearAfterMs: conversation.disappearAfterMs }),
        ...(pinned.length > 0 && { pinned }),
        me: {
          role: me.role,
          deliveredSeq: own?.deliveredSeq ?? 0,
          readSeq,
          unread,
          ...(until !== undefined && { unreadUntil: until }),
          mentions: naming.length,
          fromSeq: me.fromSeq,
          fromRev: me.fromRev,
          settings,
          ownRev,
        },
        ...(small && {
          marks: blocks.apart(conversation)
            ? []
            : allMarks.filter(
                ({ userId }) =>
                  userId !== me.userId &&
                  conversation.members.has(userId) &&
                  !gone.has(userId) &&
                  !discretion.parts('receipts', me.userId, userId),
              ),
        }),
      }
    },
    members,
    people: peopleOf,
    named,
  }
}
