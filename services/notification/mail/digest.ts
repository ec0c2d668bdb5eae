import { createHash } from 'node:crypto'
import type { UserDirectory } from '@parley/protocol/internal'
import type { ChatDirectory, Standing } from '@parley/protocol/standing'
import type { DigestMail } from '../mailer.ts'
import { PREFERRED } from '../preferences.ts'
import type { Content } from '../push-body.ts'
import { DIGEST_IDS, type Found } from '../store/deliveries.ts'
import type { PreferenceStore } from '../store/preferences.ts'
import { type DigestPart, type DigestReason, notByMail, partOf } from './digest-parts.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** A digest that is to be written when it is sent, as the ledger keeps it: no text and no address. */
export interface DigestDue {
  kind: 'digest'
  userId: string
  /** In which something was new; what came first stands first. */
  conversationIds: string[]
  /** There were more of them. */
  more: boolean
}

/** What of it is to be sent at this moment, or why nothing is. */
export type DigestNow = ({ mail: DigestMail } | { reason: DigestReason | 'account.deleted' }) & {
  /** Of each conversation that was looked at. */
  found?: readonly Found[]
}

/** Says what a digest tells now. Rejects `unavailable` when that cannot be asked. */
export type Digests = (due: DigestDue) => Promise<DigestNow>

/** So many conversations are listed; of the others the number is told. */
const LISTED = 10
/** Conversations that are asked for at once. */
const AT_ONCE = 8

export function openDigests(needs: {
  chat: ChatDirectory
  users: Pick<UserDirectory, 'mailbox'>
  preferences: Pick<PreferenceStore, 'find'>
  unsubscribe: Pick<Unsubscribe, 'link'>
  /** How much of a message is mailed. */
  content: Content
  now?: () => number
}): Digests {
  const { chat, users, preferences, unsubscribe, content, now = Date.now } = needs

  /** How the user stands to the conversation, with the last of what they have not read. */
  async function unreadOf(conversationId: string, userId: string): Promise<Standing | undefined> {
    const ask = { conversationId, userIds: [userId] }
    const bare = await chat.standing({ ...ask, fromSeq: 1, toSeq: 0 })
    const [member] = bare?.members ?? []
    if (!bare || !member || member.readSeq >= bare.headSeq) return bare
    return chat.standing({ ...ask, fromSeq: firstOf(bare), toSeq: bare.headSeq })
  }

  return async ({ userId, conversationIds, more }) => {
    const mailbox = await users.mailbox(userId)
    if (!mailbox) return { reason: 'account.deleted' }
    const set = (await preferences.find([userId])).get(userId) ?? PREFERRED
    const at = new Date(now())
    const not = notByMail(set, at)
    if (not) return { reason: not }
    const parts: DigestPart[] = []
    const reasons: DigestReason[] = []
    const found: Found[] = []
    for (let from = 0; from < conversationIds.length; from += AT_ONCE) {
      const some = conversationIds.slice(from, from + AT_ONCE)
      const standings = await Promise.all(some.map((conversationId) => unreadOf(conversationId, userId)))
      for (const [n, standing] of standings.entries()) {
        const conversationId = some[n]!
        const told = partOf(standing, userId, set, content, at)
        if ('part' in told) {
          parts.push(told.part)
          found.push({ conversationId, fromSeq: firstOf(standing!) })
        } else {
          reasons.push(told.reason)
          found.push({ conversationId, reason: told.reason })
        }
      }
      // Who is here needs no mail, whatever else is unread.
      if (reasons.includes('active.device')) return { reason: 'active.device' }
    }
    if (parts.length === 0) return { reason: reasons.at(-1) ?? 'read', found }
    const listed = parts.slice(-LISTED).reverse()
    return {
      found,
      mail: {
        kind: 'digest',
        to: mailbox.email,
        username: mailbox.username,
        userId,
        parts: listed,
        further: more ? undefined : parts.length - listed.length,
        unsubscribe: unsubscribe.link(userId, 'digest'),
      },
    }
  }
}

/** The first message that the only one of its members has not read and may see. */
const firstOf = ({ members: [member] }: Standing): number => Math.max(member!.readSeq + 1, member!.fromSeq)

/** The same for one digest of one user, however often it is worked out, and says nothing of whose it is. */
export const digestId = (userId: string, round: number): string =>
  `digest-${createHash('sha256').update(`${userId}/${round}`).digest('base64url').slice(0, 32)}`

/** Whether a delivery of that id is a digest. */
export const isDigest = (deliveryId: string): boolean => deliveryId.startsWith(DIGEST_IDS)
