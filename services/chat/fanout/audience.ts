import type { Bus } from '@parley/kit/bus/bus'
import type { Conversation, Member } from '../conversation.ts'
import type { Discretion } from '../people/discretion.ts'
import type { LogStore } from '../store/store.ts'

/** Who of a conversation an event is for, and as of which membership that was decided. */
export interface Audience {
  conversationId: string
  /** A node that knows an older membership reads it again before it delivers (P6). */
  membersRev: number
  /** Position of the entry: for members who joined later it is not. */
  rev?: number
  /** It is about this message: for members who joined after it it is not. They see a hole in the log, and that nothing is there for them. */
  seq?: number
  /** Only these members. */
  only?: readonly string[]
  /** It is about this member: for the others, while that one is a member too. */
  about?: string
  /** It shows this of that user: for others only where neither keeps it back, as each node knows it when it delivers. */
  shows?: { what: 'receipts' | 'presence'; of: string }
  /** Removed by the entry: told only that the conversation is gone. */
  removed?: readonly string[]
  /** May be lost. */
  ephemeral?: boolean
}

/** Whether one of two users keeps that back from the other (`Discretion`). */
export type Parts = Discretion['parts']

/** Is that member of the conversation, as it is known now, among the audience? */
export function isFor(member: Member, audience: Audience, conversation: Conversation, parts: Parts): boolean {
  const { rev, seq, only, about, shows } = audience
  if (shows !== undefined && parts(shows.what, shows.of, member.userId)) return false
  if (seq !== undefined && member.fromSeq > seq) return false
  if (only) return only.includes(member.userId)
  if (about !== undefined && (member.userId === about || !conversation.members.has(about))) return false
  return rev === undefined || member.fromRev <= rev
}

/** Who is in which conversation, fresh enough to deliver by. */
export interface Rolls extends Disposable {
  /** The conversation with `membersRev` or a newer membership. */
  members(conversationId: string, membersRev: number): Promise<Conversation | undefined>
}

/** Ids of conversations; what is above it is read again when its turn comes. */
const MAX_CHECKED = 50_000

/**
 * Reads from the cache. While the bus is away, and once per conversation after it was, reads the store instead: news of a
 * removal may have been missed, and a removed member must hear nothing more. `unread` is called when the store cannot be read:
 * what was to be told is lost.
 */
export function openRolls(
  log: Pick<LogStore, 'findConversation' | 'cachedConversation'>,
  bus: Bus,
  unread: () => void,
): Rolls {
  let checked: Set<string> | undefined
  const watch = bus.onState(() => {
    checked = new Set()
  })

  async function read(conversationId: string, membersRev: number): Promise<Conversation | undefined> {
    if (checked === undefined || checked.has(conversationId)) return log.cachedConversation(conversationId, membersRev)
    // Of the state in which the reading began: what changes while it is under way makes a new set.
    const since = checked
    const conversation = await log.findConversation(conversationId)
    if (bus.state === 'up') {
      if (since.size >= MAX_CHECKED) since.delete(since.keys().next().value!)
      since.add(conversationId)
    }
    return conversation
  }

  return {
    async members(conversationId, membersRev) {
      try {
        return await read(conversationId, membersRev)
      } catch (error) {
        unread()
        throw error
      }
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}
