import { Fault } from '@parley/kit/fault'
import type { ConversationItem, InviteItem, InvitePreview } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import type { Change, ChangeConversation } from '../change.ts'
import { type Conversation, type Invite, isOpen } from '../conversation.ts'
import { keyedInviteId } from '../direct.ts'
import type { Items } from '../items.ts'
import type { LogStore } from '../store/store.ts'
import type { InviteCodes } from './invite-code.ts'
import type { Newcomers } from './members.ts'
import { mustMay, type Seen, seenBy } from './membership.ts'

/**
 * Links by which people come into a group. An invite is in the log, and so is each who came by it: of those who come at one
 * moment exactly as many get in as it lets, and after it was revoked nobody.
 */
export interface Invites {
  /** The right of those who lead the group. The same `key` with the same terms makes one invite; with others, `idempotency.mismatch`. */
  create(userId: string, conversationId: string, terms: InviteTerms, key?: string): Promise<InviteItem>
  /** Those in force, the latest last; the same right. */
  list(userId: string, conversationId: string): Promise<InviteItem[]>
  /** Nobody comes in by it any more; the same right. What is not there is revoked already. */
  revoke(userId: string, conversationId: string, inviteId: string): Promise<void>
  /** What one is invited to. Of a code that does not let this user in, or never was one, `not_found`, in the same words. */
  preview(userId: string, code: string): Promise<InvitePreview>
  /** Takes part from here on. Who is in already stays so, and counts no second time. Beside `not_found`, `action.forbidden` where there is no room. */
  join(userId: string, code: string): Promise<ConversationItem>
}

/** Absent or null: without an end, or for any number. */
export interface InviteTerms {
  expiresInMs?: number | null | undefined
  maxUses?: number | null | undefined
}

export function openInvites(deps: {
  log: LogStore
  items: Items
  newcomers: Newcomers
  change: ChangeConversation
  codes: InviteCodes
  limits: Limits
}): Invites {
  const { log, items, newcomers, change, codes, limits } = deps

  const itemOf = (conversationId: string, invite: Invite): InviteItem => ({
    ...invite,
    code: codes.write(conversationId, invite.id),
  })

  /** Those who lead decide, on the group as it is. */
  async function leaders(userId: string, conversationId: string): Promise<Seen> {
    const seen = await seenBy(log, userId, conversationId)
    mustMay(seen, 'invites.manage')
    return seen
  }

  async function create(userId: string, conversationId: string, terms: InviteTerms, key?: string) {
    const { expiresInMs = null, maxUses = null } = terms
    const id = keyedInviteId(userId, conversationId, key)
    const { entry } = await change({
      userId,
      conversationId,
      look: () => leaders(userId, conversationId),
      repeat: { id, content: JSON.stringify([expiresInMs, maxUses]) },
      async decide({ conversation }) {
        const now = Date.now()
        const open = conversation.invites.filter((invite) => isOpen(invite, now))
        // What was stored under that id before is found there, however many there are by now.
        if (open.length >= limits.openInvites && !(key && (await log.findEntry(conversationId, id))))
          throw new Fault('action.forbidden', `A group has at most ${limits.openInvites} invites: revoke one first`)
        const expiresAt = expiresInMs === null ? null : new Date(now + expiresInMs).toISOString()
        return { kind: 'invite.created', inviteId: id, expiresAt, maxUses }
      },
    })
    if (entry?.kind !== 'invite.created') throw new Error('an invite was not created')
    const now = await log.findConversation(conversationId)
    const { expiresAt, maxUses: most, senderId: createdBy } = entry
    const uses = now?.invites.find((invite) => invite.id === id)?.uses ?? 0
    return itemOf(conversationId, { id, createdBy, expiresAt, maxUses: most, uses })
  }

  /** What the code is of, for who may come in by it or is in already; `not_found` for anyone else. */
  async function invited(userId: string, code: string): Promise<{ conversation: Conversation; inviteId: string }> {
    const of = codes.read(code)
    const conversation = of && (await log.findConversation(of.conversationId))
    if (!conversation) throw noInvite()
    const invite = conversation.invites.find(({ id }) => id === of.inviteId)
    const letsIn =
      invite && isOpen(invite, Date.now()) && conversation.members.size > 0 && !conversation.barred.includes(userId)
    if (!letsIn && !conversation.members.has(userId)) throw noInvite()
    return { conversation, inviteId: of.inviteId }
  }

  return {
    create,

    async list(userId, conversationId) {
      const { conversation } = await leaders(userId, conversationId)
      const now = Date.now()
      return conversation.invites.filter((invite) => isOpen(invite, now)).map((one) => itemOf(conversationId, one))
    },

    async revoke(userId, conversationId, inviteId) {
      await change({
        userId,
        conversationId,
        look: () => leaders(userId, conversationId),
        decide: ({ conversation }): Change | undefined =>
          conversation.invites.some(({ id }) => id === inviteId) ? { kind: 'invite.revoked', inviteId } : undefined,
      })
    },

    async preview(userId, code) {
      const { conversation } = await invited(userId, code)
      const { title, description, members } = conversation
      const joined = members.has(userId)
      return { title, ...(description && { description }), memberCount: members.size, joined }
    },

    async join(userId, code) {
      const { conversation: before } = await invited(userId, code)
      if (!before.members.has(userId)) await newcomers.mustHaveRoom(userId, [userId])
      const { conversation } = await change({
        userId,
        conversationId: before.id,
        look: () => invited(userId, code),
        decide({ conversation, inviteId }): Change | undefined {
          if (conversation.members.has(userId)) return undefined
          if (conversation.members.size >= limits.groupMembers)
            throw new Fault('action.forbidden', 'The group has as many members as it can have')
          return { kind: 'members.added', userIds: [userId], inviteId }
        },
      })
      return items.item(await seenBy(log, userId, conversation.id))
    },
  }
}

const noInvite = (): Fault => new Fault('not_found', 'There is no such invite')
