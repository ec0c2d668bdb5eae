import { randomUUID } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { Rate } from '@parley/kit/rate'
import type { Entry, MessageEntry, MessageVersion } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import { type MessageChange, namesMessage } from '@parley/protocol/message-change'
import type { SendReply } from '@parley/protocol/socket'
import type { ContentHash } from './content-hash.ts'
import type { Fanout } from './fanout/fanout.ts'
import { cachedFor, mustMay, type Seen, seenBy } from './membership/membership.ts'
import type { Mentions, Named } from './mentions.ts'
import type { Blocks } from './people/blocks.ts'
import type { ChatStore, Draft } from './store/store.ts'

/** What someone wants to do with a message. `id` was made by the device; the same `id` again is the same change (P2). */
export interface Amending {
  conversationId: string
  seq: number
  id?: string | undefined
}

/**
 * What members do with messages that were sent. Each answers with the place of its entry, the same for every repeat, and
 * refuses with `not_found` (for who may not see the message), `action.forbidden`, `rate.limited`, `idempotency.mismatch` or `unavailable`.
 */
export interface Amendments {
  /** The author's right. */
  edit(userId: string, which: Amending, text: string): Promise<SendReply>
  /** For everyone: the right of the author, and in a group of those who lead it. What is deleted already stays so. */
  remove(userId: string, which: Amending): Promise<SendReply>
  /** Any member's right: one of each emoji, set or taken back. */
  react(userId: string, which: Amending, emoji: string, on: boolean): Promise<SendReply>
  /** Sets it before everybody's eyes, or takes it away: in a group the right of those who lead it. One that is pinned again stands last. */
  pin(userId: string, which: Amending, on: boolean): Promise<SendReply>
  /** Every version of the text, the first one first; the author's right. */
  versions(userId: string, conversationId: string, seq: number): Promise<MessageVersion[]>
}

type Decided = Draft & { kind: MessageChange['kind'] | 'message.pinned' }
type Change = Decided extends infer D
  ? D extends Decided
    ? Omit<D, 'conversationId' | 'id' | 'senderId' | 'contentHash' | 'membersRev' | 'seq'>
    : never
  : never

const ATTEMPTS = 5
/** So many pins of deleted messages make place for one. */
const MADE_PLACE = 2

/** `rate` counts what each user sends, these included. */
export function openAmendments(deps: {
  store: Pick<ChatStore, 'log'>
  fanout: Pick<Fanout, 'entry'>
  blocks: Pick<Blocks, 'refusal'>
  mentions: Pick<Mentions, 'namedBy'>
  rate: Rate
  hashOf: ContentHash
  limits: Limits
}): Amendments {
  const { store, fanout, blocks, mentions, rate, hashOf, limits } = deps
  const { log } = store

  async function amend(
    userId: string,
    { conversationId, seq, id = randomUUID() }: Amending,
    change: Change,
    mustBeAllowed: (message: MessageEntry, seen: Seen) => void | Promise<void>,
    namedIn?: (seen: Seen) => Promise<Named> | undefined,
  ): Promise<SendReply> {
    const contentHash = hashOf(change.kind, JSON.stringify([seq, change]))
    const draft = { ...change, conversationId, id, senderId: userId, seq, contentHash } as Omit<Decided, 'membersRev'>
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const look = async (by: typeof cachedFor): Promise<Seen> => {
          const seen = await by(log, userId, conversationId)
          await mustBeAllowed(await messageOf(seen, seq), seen)
          return seen
        }
        const seen = attempt === 1 ? await look(cachedFor).catch(orAfresh(() => look(seenBy))) : await look(seenBy)
        if (attempt === 1) mustBeSlow(userId)
        const named = await namedIn?.(seen)
        const done = await log.append({ ...draft, ...named, membersRev: seen.conversation.membersRev } as Draft)
        if (done.outcome === 'conflict') throw idTaken()
        if (done.outcome === 'stale') continue
        if (done.outcome === 'appended') await fanout.entry(done.entry)
        return replyOf(done.entry)
      }
    } catch (error) {
      // What was stored under that id before is answered as it was then, whatever has happened since (P2).
      const found = error instanceof Fault ? await log.findEntry(conversationId, id) : undefined
      if (found?.entry.senderId !== userId) throw error
      if (found.contentHash !== '' && found.contentHash !== contentHash) throw idTaken()
      return replyOf(found.entry)
    }
    throw new Fault('unavailable', 'The conversation changes too fast: try again', { retryAfterMs: 200 })
  }

  async function messageOf({ conversation, me }: Seen, seq: number): Promise<MessageEntry> {
    const [message] = seq >= me.fromSeq ? await log.readMessages(conversation.id, seq, seq) : []
    if (!message) throw noMessage()
    return message
  }

  /** Where a block stands between two, neither says anything to the other; what one said oneself may still be deleted. */
  function mustReach(userId: string, { conversation }: Seen): void {
    const refusal = blocks.refusal(userId, conversation)
    if (refusal) throw refusal
  }

  /** Those that were deleted since make place, one after another. Several pinned at one moment may pass the limit by as many. */
  async function mustHavePlace(userId: string, seq: number, { conversation }: Seen): Promise<void> {
    const { id, membersRev } = conversation
    const others = conversation.pinned.filter((pinned) => pinned !== seq)
    if (others.length < limits.pinnedMessages) return
    const there = (await log.pickMessages(id, others)).filter(({ deleted }) => !deleted)
    if (there.length >= limits.pinnedMessages)
      throw new Fault('action.forbidden', `At most ${limits.pinnedMessages} messages can be pinned`)
    const kept = new Set(there.map((message) => message.seq))
    for (const gone of others.filter((pinned) => !kept.has(pinned)).slice(0, MADE_PLACE)) {
      const change = { kind: 'message.pinned', conversationId: id, seq: gone, on: false, senderId: userId } as const
      const entryId = randomUUID()
      const done = await log.append({ ...change, id: entryId, contentHash: hashOf(change.kind, entryId), membersRev })
      if (done.outcome === 'appended') await fanout.entry(done.entry)
    }
  }

  function mustBeSlow(userId: string): void {
    const retryAfterMs = rate.take(userId)
    if (retryAfterMs > 0) throw new Fault('rate.limited', 'You are sending too fast: wait a moment', { retryAfterMs })
  }

  return {
    edit: (userId, which, text) =>
      amend(
        userId,
        which,
        { kind: 'message.edited', text },
        (message, seen) => {
          mustReach(userId, seen)
          mustBeAuthor(message, userId)
          mustBeThere(message)
          if ((message.edits ?? 0) >= limits.editsPerMessage)
            throw new Fault('action.forbidden', `A message is edited at most ${limits.editsPerMessage} times`)
        },
        ({ conversation }) => mentions.namedBy(userId, text, conversation),
      ),

    remove: (userId, which) =>
      amend(userId, which, { kind: 'message.deleted' }, (message, seen) => {
        if (message.senderId !== userId) mustMay(seen, 'message.delete')
      }),

    react: (userId, which, emoji, on) =>
      amend(userId, which, { kind: 'message.reacted', emoji, on }, (message, seen) => {
        mustReach(userId, seen)
        mustBeThere(message)
        if (on) mustHaveRoom(message, emoji, limits)
      }),

    pin: (userId, which, on) =>
      amend(userId, which, { kind: 'message.pinned', on }, async (message, seen) => {
        mustMay(seen, 'message.pin')
        mustReach(userId, seen)
        if (!on) return
        mustBeThere(message)
        await mustHavePlace(userId, which.seq, seen)
      }),

    async versions(userId, conversationId, seq) {
      const message = await messageOf(await seenBy(log, userId, conversationId), seq)
      mustBeAuthor(message, userId)
      mustBeThere(message)
      return log.readVersions(conversationId, seq)
    },
  }
}

/** Looks once more where it was refused: who was promoted a moment ago on another node may do it. */
function orAfresh<T>(look: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (error instanceof Fault && error.code === 'action.forbidden') return look()
    throw error
  }
}

function mustBeAuthor(message: MessageEntry, userId: string): void {
  if (message.senderId !== userId) throw new Fault('action.forbidden', 'Only who wrote the message may do that')
}

function mustBeThere(message: MessageEntry): void {
  if (message.deleted) throw new Fault('action.forbidden', 'The message was deleted')
}

/** Not counted again when it is appended: several at one moment may pass the limits by as many. */
function mustHaveRoom({ reactions = [] }: MessageEntry, emoji: string, limits: Limits): void {
  const count = reactions.reduce((sum, { userIds }) => sum + userIds.length, 0)
  const known = reactions.some((reaction) => reaction.emoji === emoji)
  if ((!known && reactions.length >= limits.reactionEmoji) || count >= limits.reactionsPerMessage)
    throw new Fault('action.forbidden', 'The message has as many reactions as it can have')
}

const noMessage = (): Fault => new Fault('not_found', 'There is no such message')

const idTaken = (): Fault =>
  new Fault('idempotency.mismatch', 'That Idempotency-Key was used for something else in this conversation')

function replyOf(entry: Entry): SendReply {
  if (!namesMessage(entry)) throw idTaken()
  const { id, seq, rev, createdAt, conversationId } = entry
  return { id, seq, rev, createdAt, conversationId }
}
