import { type Conversation, isHiddenFrom } from '../conversation.ts'
import type { Fanout } from '../fanout/fanout.ts'
import { openPace } from '../fanout/pace.ts'
import { seenBy } from '../membership/membership.ts'
import type { Blocks } from '../people/blocks.ts'
import type { Discretion } from '../people/discretion.ts'
import type { Connection } from '../socket/connections.ts'
import type { LogStore } from '../store/store.ts'

/** A device, as far as typing goes. */
interface Typist {
  readonly actor: Pick<Connection['actor'], 'userId'>
  readonly typing: Connection['typing']
}

/** Who is typing, told to the other members; nothing of it is kept for longer than it lasts. */
export interface Typing extends Disposable {
  /** `not_found` for who is no member. */
  start(device: Typist, conversationId: string): Promise<void>
  stop(device: Typist, conversationId: string): Promise<void>
  /** The device is gone: it types no more. */
  went(device: Typist): void
}

/** Told again at most this often, whatever a client sends: one event becomes as many as there are members. */
const REPEAT_AFTER_MS = 2_000
/** More than anyone types in at once. */
const MAX_AT_ONCE = 8
/** In a group what is true at its end is told once in so long. */
const WINDOW_MS = 1_000
/** As many as anyone reads the names of. Whoever comes later is told when one of them has stopped and that one goes on. */
const SHOWN_AT_ONCE = 5
/** Clients forget who says nothing more. */
const FORGOTTEN_MS = 6_000

/** Who types in a group, as far as this node's devices say. */
interface Group {
  membersRev: number
  /** Told as typing, until when. */
  shown: Map<string, number>
  /** To be told. At most one for each member. */
  changes: Map<string, boolean>
}

/** In a direct conversation the other side is told at once; in a group at most 5 are shown, and what changes is told once a second. */
export function openTyping(
  log: Pick<LogStore, 'findConversation'>,
  fanout: Pick<Fanout, 'event'>,
  blocks: Pick<Blocks, 'apart'>,
  discretion: Pick<Discretion, 'of'>,
  windowMs = WINDOW_MS,
): Typing {
  const groups = new Map<string, Group>()
  const pace = openPace(windowMs, tellChanges)

  async function note(on: boolean, userId: string, conversationId: string): Promise<void> {
    const { conversation } = await seenBy(log, userId, conversationId)
    const { kind, membersRev, members } = conversation
    // Who keeps it back takes nobody's place in a group; whoever was shown as typing is forgotten by the clients.
    if (blocks.apart(conversation) || discretion.of(userId).privatePresence) return
    // Whom nothing was written to yet hears nothing of who thinks of it.
    if (kind === 'direct' && [...members.keys()].some((id) => isHiddenFrom(conversation, id))) return
    if (members.size <= 2) {
      // Nobody is ever removed from a direct conversation, so what is known of it is true.
      return tell(on, userId, conversationId, membersRev, kind === 'direct' ? conversation : undefined)
    }
    const group = groups.get(conversationId) ?? { membersRev, shown: new Map(), changes: new Map() }
    group.membersRev = Math.max(group.membersRev, membersRev)
    group.changes.set(userId, on)
    groups.set(conversationId, group)
    pace.news(conversationId)
  }

  function tell(on: boolean, userId: string, conversationId: string, membersRev: number, conversation?: Conversation) {
    const shows = { what: 'presence', of: userId } as const
    const audience = { conversationId, membersRev, about: userId, ephemeral: true, shows }
    void fanout.event(on ? 'typing.start' : 'typing.stop', { conversationId, userId }, audience, { conversation })
  }

  /** Who stopped first, since that makes room. */
  function tellChanges(conversationId: string): boolean {
    const group = groups.get(conversationId)
    if (!group) return false
    const { shown, changes, membersRev } = group
    const now = performance.now()
    for (const [userId, until] of shown) if (until <= now) shown.delete(userId)
    // Whoever was never told as typing need not be told as having stopped.
    for (const [userId, on] of changes) if (!on && shown.delete(userId)) tell(false, userId, conversationId, membersRev)
    for (const [userId, on] of changes) {
      if (!on || (shown.size >= SHOWN_AT_ONCE && !shown.has(userId))) continue
      shown.set(userId, now + FORGOTTEN_MS)
      tell(true, userId, conversationId, membersRev)
    }
    changes.clear()
    if (shown.size === 0) groups.delete(conversationId)
    return true
  }

  return {
    async start({ actor, typing }, conversationId) {
      const toldAt = typing.get(conversationId) ?? Number.NEGATIVE_INFINITY
      if (performance.now() - toldAt < REPEAT_AFTER_MS || (typing.size >= MAX_AT_ONCE && !typing.has(conversationId)))
        return void (await seenBy(log, actor.userId, conversationId))
      typing.set(conversationId, performance.now())
      await note(true, actor.userId, conversationId).catch((error) => {
        typing.delete(conversationId)
        throw error
      })
    },
    async stop({ actor, typing }, conversationId) {
      if (typing.delete(conversationId)) await note(false, actor.userId, conversationId)
      else await seenBy(log, actor.userId, conversationId)
    },
    went({ actor, typing }) {
      for (const conversationId of typing.keys()) note(false, actor.userId, conversationId).catch(() => undefined) // Ephemeral: clients forget it by themselves.
      typing.clear()
    },
    [Symbol.dispose]() {
      pace[Symbol.dispose]()
      groups.clear()
    },
  }
}
