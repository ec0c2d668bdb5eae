import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Rate } from '@parley/kit/rate'
import type { Entry } from '@parley/protocol/conversation'
import { mentionsOf } from '@parley/protocol/message-change'
import type { SendReply } from '@parley/protocol/socket'
import type { ContentHash } from './content-hash.ts'
import { type Conversation, isHiddenFrom } from './conversation.ts'
import { directId, unopenedDirect, uuidOf } from './direct.ts'
import { type Carrying, contentOf, type Extras } from './extras.ts'
import type { Fanout } from './fanout/fanout.ts'
import { noConversation } from './membership/membership.ts'
import type { MustHaveRoom } from './membership/room.ts'
import type { Named } from './mentions.ts'
import type { Blocks } from './people/blocks.ts'
import type { People } from './people/people.ts'
import { freeTurn, type Turn } from './socket/send-order.ts'
import type { ChatStore } from './store/store.ts'

/** A message that someone wants to send; `id` was made by the device. Either names the conversation, or the receiver (a user, or a group by its id). */
interface Outgoing extends Carrying {
  id: string
  conversationId?: string | undefined
  receiverId?: string | undefined
}

/** How a send is answered, and its place among others. */
interface Sending {
  /**
   * Called once, when the message is stored, with the same reply for every repeat (P2), and before anyone else hears of it. Edited since,
   * it is answered as it was sent; of one that was deleted since, or has disappeared, whom it named is forgotten with it.
   */
  acknowledge(reply: SendReply): void
  turn?: Turn
  /** The socket that sent it: its ack is its news. */
  socketId?: string
}

/** The one way to send, for the socket and for HTTP. */
export interface Messages {
  /** Refuses with `not_found`, `rate.limited`, `message.id_conflict` or `unavailable`. */
  send(sender: { userId: string; username: string }, message: Outgoing, sending: Sending): Promise<void>
  /** Opens the direct conversation with a user, if there is none; `not_found` for someone unknown, `action.forbidden` when one of the two is in too many. */
  openDirect(userId: string, otherId: string): Promise<Conversation>
}

const ATTEMPTS = 5

type Found = Conversation | undefined

/** The rules of sending. `rate` counts sends by user; `hashOf` is what a repeat is known by. */
export function openMessages(deps: {
  store: ChatStore
  people: People
  blocks: Blocks
  fanout: Fanout
  rate: Rate
  mustHaveRoom: MustHaveRoom
  extras: Extras
  hashOf: ContentHash
}): Messages {
  const { store, people, blocks, fanout, rate, mustHaveRoom, extras, hashOf } = deps
  const { log } = store

  const send: Messages['send'] = async (sender, message, { acknowledge, turn = freeTurn, socketId }) => {
    const contentHash = hashOf(...contentOf(message))
    if (turn.ready) await turn.ready
    const found = meant(message, turn.authorizedBefore()) ?? target(sender.userId, message)
    let conversation = found instanceof Promise ? await found : found
    const conversationId = conversation?.id ?? message.conversationId ?? message.receiverId!

    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const refusal =
        turn.refusal() ??
        mayPost(sender.userId, conversation, message) ??
        blocks.refusal(sender.userId, conversation) ??
        (attempt === 1 && limited(sender.userId))
      if (refusal && refusal.code === 'not_found' && attempt === 1 && conversation && looksEmpty(conversation)) {
        // Perhaps something was said a moment ago on another node: then it is told otherwise why not.
        conversation = await log.findConversation(conversationId)
        continue
      }
      if (refusal || !conversation) {
        const fault = refusal || noConversation()
        return acknowledge(await firstReply(conversationId, sender.userId, message.id, contentHash, fault))
      }
      if (conversation.rev === 0) conversation = await openDirect(sender.userId, otherOf(conversation, sender.userId))
      const asking = conversation.kind === 'direct' && goneRefusal(sender.userId, conversation)
      const gone = asking && (await asking)
      if (gone) return acknowledge(await firstReply(conversationId, sender.userId, message.id, contentHash, gone))

      const deciding = extras.of(sender.userId, message, conversation)
      const carried = deciding && (await deciding)
      if (carried instanceof Fault)
        return acknowledge(await firstReply(conversationId, sender.userId, message.id, contentHash, carried))

      const doubt = turn.doubt()
      if (doubt) return acknowledge(await firstReply(conversationId, sender.userId, message.id, contentHash, doubt))

      const appending = log.append({
        kind: 'message',
        conversationId,
        id: message.id,
        senderId: sender.userId,
        text: message.text,
        extras: carried,
        contentHash,
        membersRev: conversation.membersRev,
      })
      turn.asked(conversation)
      const done = await appending

      switch (done.outcome) {
        case 'appended':
          crashPoint('send.before-ack')
          acknowledge(replyOf(done.entry)) // durable from here
          crashPoint('send.after-ack')
          return fanout.entry(done.entry, { conversation, sender: sender.username, exceptSocket: socketId })
        case 'repeated':
          // What it carries was decided on the first time, and perhaps otherwise than now.
          return acknowledge(await firstReply(conversationId, sender.userId, message.id, contentHash, idTaken()))
        case 'conflict':
          throw idTaken()
        case 'stale':
          if (turn.before) await turn.before
          conversation = await log.findConversation(conversationId)
          break
        default:
          done satisfies never
      }
    }
    throw new Fault('unavailable', 'The conversation changes too fast: try again', { retryAfterMs: 200 })
  }

  /** To who has deleted the account nothing can be said any more. Where nothing was ever said they are nobody. */
  function goneRefusal(userId: string, conversation: Conversation): undefined | Promise<Fault | undefined> {
    const gone = people.hasGone(otherOf(conversation, userId))
    return gone === false ? undefined : refusalOf(gone, conversation)
  }

  async function refusalOf(
    gone: boolean | Promise<boolean>,
    { id, headSeq }: Conversation,
  ): Promise<Fault | undefined> {
    if (!(await gone)) return undefined
    // Perhaps something was said a moment ago on another node.
    const said = headSeq > 0 || ((await log.findConversation(id))?.headSeq ?? 0) > 0
    return said ? new Fault('action.forbidden', 'This person has deleted their account') : noConversation()
  }

  /** Where the message goes, without a wait if that is in memory: most messages go where others went just before. */
  function target(senderId: string, message: Outgoing): Found | Promise<Found> {
    const cached = log.cachedConversation(message.conversationId ?? directId(senderId, message.receiverId!))
    const member = !(cached instanceof Promise) && cached?.members.has(senderId)
    return member ? cached : search(senderId, message, cached)
  }

  /** A conversation, perhaps a direct one that is not opened yet; undefined where there is none to be seen. */
  async function search(senderId: string, message: Outgoing, cached: Found | Promise<Found>): Promise<Found> {
    if (message.conversationId) return visible(senderId, message.conversationId, await cached)
    const receiverId = message.receiverId!
    const known = (await cached) ?? (await visible(senderId, receiverId, await log.cachedConversation(receiverId)))
    if (known) return known
    return (await people.find([receiverId])).has(receiverId) ? unopenedDirect(senderId, receiverId) : undefined
  }

  /** From the cache, and looked at again before it is refused: who was added a moment ago on another node is a member. */
  async function visible(userId: string, conversationId: string, cached: Found): Promise<Found> {
    return cached && !cached.members.has(userId) ? log.findConversation(conversationId) : cached
  }

  async function openDirect(userId: string, otherId: string): Promise<Conversation> {
    const direct = unopenedDirect(userId, otherId)
    const cached = await log.cachedConversation(direct.id)
    const existing = cached && looksEmpty(cached) ? await log.findConversation(direct.id) : cached
    // One that is seen is seen by who was blocked too; an empty one is hidden.
    if (existing && existing.headSeq > 0) return existing
    if (blocks.hides(userId, otherId)) throw new Fault('not_found', 'There is no such user')
    if (existing && !isHiddenFrom(existing, userId)) return existing
    if (!(await people.find([otherId])).has(otherId)) throw new Fault('not_found', 'There is no such user')
    if (existing) return openToo(userId, existing)
    await mustHaveRoom(userId, [...direct.members.keys()])
    // Both sides may do this at once: one of them creates it, the other finds it ('conflict', since the opener differs).
    await log.append({
      kind: 'created',
      conversationId: direct.id,
      id: direct.id,
      senderId: userId,
      contentHash: hashOf('direct', direct.id),
      conversationKind: 'direct',
      title: '',
      members: [...direct.members.values()].map(({ userId, role }) => ({ userId, role })),
    })
    const opened = await log.findConversation(direct.id)
    if (!opened) throw beingOpened()
    return isHiddenFrom(opened, userId) ? openToo(userId, opened) : opened
  }

  /** From then on there is one for that user, too. */
  async function openToo(userId: string, { id: conversationId }: Conversation): Promise<Conversation> {
    const id = uuidOf(`opened\0${conversationId}\0${userId}`)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const conversation = await log.findConversation(conversationId)
      if (conversation && !isHiddenFrom(conversation, userId)) return conversation
      const { membersRev = 0 } = conversation ?? {}
      const contentHash = hashOf('opened', id)
      await log.append({ kind: 'opened', conversationId, id, senderId: userId, contentHash, membersRev })
    }
    throw beingOpened()
  }

  function limited(userId: string): Fault | undefined {
    const retryAfterMs = rate.take(userId)
    if (retryAfterMs === 0) return undefined
    return new Fault('rate.limited', 'You are sending too fast: wait a moment', { retryAfterMs })
  }

  /** The reply to what was stored before under that id (P2), or the refusal. Tells a stranger nothing: an id of someone else's is no conflict to them. */
  async function firstReply(
    conversationId: string,
    senderId: string,
    id: string,
    contentHash: string,
    refusal: Fault,
  ): Promise<SendReply> {
    const found = await log.findEntry(conversationId, id)
    if (!found) throw refusal
    if (found.entry.senderId !== senderId) throw refusal.code === 'not_found' ? refusal : idTaken()
    // Of what was deleted there is no hash any more.
    if (found.contentHash !== '' && found.contentHash !== contentHash) throw idTaken()
    return replyOf(found.entry, found.named)
  }

  return { send, openDirect }
}

/** That conversation, unless the message names another. */
function meant({ conversationId }: Outgoing, before: Conversation | undefined): Conversation | undefined {
  return conversationId === undefined || conversationId === before?.id ? before : undefined
}

/** Whether a user may post: being a member is enough. One that is hidden from the user can be named by the other's id only. */
function mayPost(userId: string, conversation: Found, { conversationId, receiverId }: Outgoing): Fault | undefined {
  if (!conversation?.members.has(userId)) return noConversation()
  const byItsId = conversation.headSeq === 0 && conversation.id === (conversationId ?? receiverId)
  return byItsId && isHiddenFrom(conversation, userId) ? noConversation() : undefined
}

/** Opened, and nothing said in it as far as is known here. */
const looksEmpty = ({ kind, rev, headSeq }: Conversation): boolean => kind === 'direct' && rev > 0 && headSeq === 0

function otherOf({ members }: Conversation, userId: string): string {
  for (const id of members.keys()) if (id !== userId) return id
  return userId
}

const beingOpened = (): Fault =>
  new Fault('unavailable', 'The conversation is being opened: try again', { retryAfterMs: 200 })

const idTaken = (): Fault =>
  new Fault('message.id_conflict', 'That id was used for something else in this conversation')

/** The facts of a stored message. `named`: whom it named as it was sent, where that may be another than now. */
function replyOf(entry: Entry, named: Named | undefined = undefined): SendReply {
  if (entry.kind !== 'message') throw idTaken()
  const { id, seq, rev, createdAt, conversationId, expiresAt } = entry
  const { mentions, mentionsAll } = named ?? entry
  const reply = { id, seq, rev, createdAt, conversationId }
  if (mentions === undefined && mentionsAll === undefined && expiresAt === undefined) return reply
  return { ...reply, ...mentionsOf(named ?? entry), ...(expiresAt !== undefined && { expiresAt }) }
}
