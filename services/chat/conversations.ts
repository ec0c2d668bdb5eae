import { randomUUID } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { ConversationItem, MemberItem } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { Blocks } from './blocks.ts'
import type { ContentHash } from './content-hash.ts'
import { applyEntry, type Conversation } from './conversation.ts'
import { keyedGroupId } from './direct.ts'
import type { Fanout } from './fanout.ts'
import type { Items } from './items.ts'
import { type Seen, seenBy } from './membership.ts'
import type { Messages } from './messages.ts'
import type { People } from './people.ts'
import type { MustHaveRoom } from './room.ts'
import type { ChatStore, Draft } from './store/store.ts'

/** What members do with conversations. Who may not see one is told `not_found`, member or not; who may see it but not do this, `action.forbidden`. */
export interface Conversations {
  /** The direct conversation with a user (or oneself), opened if there is none. */
  openDirect(userId: string, otherId: string): Promise<ConversationItem>
  /** A group of the creator, its owner, and these users. The same `key` with the same content makes one group and gives the same reply; with another, `idempotency.mismatch`. */
  createGroup(
    userId: string,
    group: { title: string; memberIds: readonly string[] },
    key?: string,
  ): Promise<ConversationItem>
  get(userId: string, id: string): Promise<ConversationItem>
  members(userId: string, id: string): Promise<MemberItem[]>
  /** The owner's right. */
  rename(userId: string, id: string, title: string): Promise<ConversationItem>
  /** Any member's right; those who are in already stay as they are. */
  add(userId: string, id: string, userIds: readonly string[]): Promise<MemberItem[]>
  /** The owner's right; of oneself, anyone's (to leave). */
  remove(userId: string, id: string, targetId: string): Promise<void>
}

type Change = { kind: 'renamed'; title: string } | { kind: 'members.added' | 'members.removed'; userIds: string[] }

const ATTEMPTS = 5

export function openConversations(deps: {
  store: ChatStore
  people: People
  blocks: Pick<Blocks, 'hides'>
  items: Items
  fanout: Fanout
  messages: Messages
  mustHaveRoom: MustHaveRoom
  hashOf: ContentHash
  limits: Limits
}): Conversations {
  const { store, people, blocks, items, fanout, messages, mustHaveRoom, hashOf, limits } = deps
  const { log } = store

  /** Decides on the conversation as it is and appends what was decided; decides again when it changed meanwhile. Nothing to append where `decide` gives nothing. */
  async function change(userId: string, id: string, decide: (seen: Seen) => Change | undefined): Promise<Conversation> {
    const entryId = randomUUID()
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const seen = await seenBy(log, userId, id)
      const decided = decide(seen)
      if (!decided) return seen.conversation
      const done = await log.append({
        ...decided,
        conversationId: id,
        id: entryId,
        senderId: userId,
        contentHash: hashOf(decided.kind, entryId),
        membersRev: seen.conversation.membersRev,
      })
      if (done.outcome === 'appended' || done.outcome === 'repeated') {
        await fanout.entry(done.entry)
        return applyEntry(seen.conversation, done.entry)
      }
    }
    throw new Fault('unavailable', 'The conversation changes too fast: try again', { retryAfterMs: 200 })
  }

  /** Who has blocked the user is as good as nobody. */
  async function mustExist(userId: string, userIds: readonly string[]): Promise<void> {
    const known = await people.find(userIds)
    if (userIds.some((id) => !known.has(id) || blocks.hides(userId, id)))
      throw new Fault('not_found', 'There is no such user')
  }

  function mustFit(count: number): void {
    if (count > limits.groupMembers)
      throw new Fault('validation.failed', `A group has at most ${limits.groupMembers} members`)
  }

  async function createGroup(userId: string, group: { title: string; memberIds: readonly string[] }, key?: string) {
    const others = [...new Set(group.memberIds)].filter((id) => id !== userId)
    const id = key === undefined ? randomUUID() : keyedGroupId(userId, key)
    const draft: Draft = {
      kind: 'created',
      conversationId: id,
      id,
      senderId: userId,
      contentHash: hashOf('group', JSON.stringify([group.title, [...others].sort()])),
      conversationKind: 'group',
      title: group.title,
      members: [{ userId, role: 'owner' }, ...others.map((other) => ({ userId: other, role: 'member' as const }))],
    }
    const before = key === undefined ? undefined : await log.findEntry(id, id)
    if (!before) {
      mustFit(others.length + 1)
      await mustExist(userId, others)
      await mustHaveRoom(userId, [userId, ...others])
    }
    const done = await log.append(draft)
    if (done.outcome === 'conflict')
      throw new Fault('idempotency.mismatch', 'That Idempotency-Key was used for another group')
    if (done.outcome === 'stale') throw new Fault('unavailable', 'The group could not be created: try again')
    if (done.outcome === 'appended') await fanout.entry(done.entry)
    // As it was created, so that a repeat has the same reply whatever has happened since.
    const conversation = applyEntry(undefined, done.entry)
    return items.item({ conversation, me: conversation.members.get(userId)! })
  }

  return {
    async openDirect(userId, otherId) {
      const conversation = await messages.openDirect(userId, otherId)
      return items.item(await seenBy(log, userId, conversation.id))
    },
    createGroup,
    get: async (userId, id) => items.item(await seenBy(log, userId, id)),
    members: async (userId, id) => items.members((await seenBy(log, userId, id)).conversation),

    async rename(userId, id, title) {
      await change(userId, id, (seen) => {
        mustBeGroup(seen)
        mustOwn(seen)
        return seen.conversation.title === title ? undefined : { kind: 'renamed', title }
      })
      return items.item(await seenBy(log, userId, id))
    },

    async add(userId, id, userIds) {
      const before = await seenBy(log, userId, id)
      mustBeGroup(before)
      const strangers = new Set(userIds.filter((other) => !before.conversation.members.has(other)))
      await mustExist(userId, [...strangers])
      await mustHaveRoom(userId, [...strangers])
      const conversation = await change(userId, id, (seen) => {
        mustBeGroup(seen)
        const added = [...new Set(userIds)].filter((other) => !seen.conversation.members.has(other))
        mustFit(seen.conversation.members.size + added.length)
        return added.length > 0 ? { kind: 'members.added', userIds: added } : undefined
      })
      return items.members(conversation)
    },

    async remove(userId, id, targetId) {
      await change(userId, id, (seen) => {
        mustBeGroup(seen)
        if (targetId !== userId) mustOwn(seen)
        return seen.conversation.members.has(targetId) ? { kind: 'members.removed', userIds: [targetId] } : undefined
      })
    },
  }
}

function mustBeGroup({ conversation }: Seen): void {
  if (conversation.kind !== 'group')
    throw new Fault('action.forbidden', 'A direct conversation has no title and no other members')
}

function mustOwn({ me }: Seen): void {
  if (me.role !== 'owner') throw new Fault('action.forbidden', 'Only the owner of the group may do that')
}
