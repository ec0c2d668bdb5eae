import { randomUUID } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { ConversationItem } from '@parley/protocol/conversation'
import type { Change, ChangeConversation } from './change.ts'
import type { ContentHash } from './content-hash.ts'
import { applyEntry, type Conversation } from './conversation.ts'
import { keyedGroupId } from './direct.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { Items } from './items.ts'
import type { Newcomers } from './membership/members.ts'
import { mustMay, seenBy } from './membership/membership.ts'
import type { Messages } from './messages.ts'
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
  /** What a group is called and is about; what is not given stays as it is. Each is a change of its own, the title first. */
  change(
    userId: string,
    id: string,
    details: { title?: string | undefined; description?: string | undefined },
  ): Promise<ConversationItem>
}

export function openConversations(deps: {
  store: ChatStore
  items: Items
  fanout: Fanout
  messages: Messages
  newcomers: Newcomers
  change: ChangeConversation
  hashOf: ContentHash
}): Conversations {
  const { store, items, fanout, messages, newcomers, change, hashOf } = deps
  const { log } = store

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
      newcomers.mustFit(others.length + 1)
      await newcomers.mustExist(userId, others)
      await newcomers.mustHaveRoom(userId, [userId, ...others])
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

    async change(userId, id, { title, description }) {
      const details: (Change | undefined)[] = [
        title === undefined ? undefined : { kind: 'renamed', title },
        description === undefined ? undefined : { kind: 'described', description },
      ]
      for (const detail of details.filter((one) => one !== undefined))
        await change({
          userId,
          conversationId: id,
          look: () => seenBy(log, userId, id),
          decide(seen) {
            mustMay(seen, 'details.change')
            return isSo(seen.conversation, detail) ? undefined : detail
          },
        })
      return items.item(await seenBy(log, userId, id))
    },
  }
}

function isSo({ title, description }: Conversation, change: Change): boolean {
  return change.kind === 'renamed'
    ? change.title === title
    : change.kind === 'described' && change.description === description
}
