import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { MessageEntry } from '@parley/protocol/conversation'
import type { KeepOrErase } from '@parley/protocol/user'
import { eachAtOnce } from '../at-once.ts'
import type { ContentHash } from '../content-hash.ts'
import type { Conversation } from '../conversation.ts'
import { uuidOf } from '../direct.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { ChatStore, Departure, Draft } from '../store/store.ts'
import type { People } from './people.ts'

/**
 * What becomes of conversations when someone deletes their account: groups are left, messages stay or are deleted for everyone,
 * what one has kept for oneself (settings, drafts, stars, what is hidden) goes. That someone has gone is heard from the bus and from the control log, whichever comes first, and is durable
 * from then on; the rest is done in the background, conversation by conversation, by any node and after any crash.
 */
export interface Departures extends AsyncDisposable {
  /** Notes that the user is no more; the name is known to nobody when it resolves. Repeatable. */
  note(gone: { userId: string; messages: KeepOrErase; at: string }): Promise<void>
}

/** By then no node lets the user do anything any more (P9), so that nothing comes after it was looked through. */
const SETTLED_AFTER_MS = 5_000
const LOOK_MS = 5_000
const CONVERSATIONS_AT_ONCE = 20
const DEPARTURES_AT_ONCE = 10
const PAGE = 200
/** Rows of what users keep for themselves. */
const FORGOTTEN_AT_ONCE = 500
/** Others send at the same time: between two pages they go first. */
const BREATH_MS = 20
const ATTEMPTS = 20

export async function openDepartures(deps: {
  store: ChatStore
  people: People
  bus: Bus
  fanout: Fanout
  hashOf: ContentHash
  logger: Log
  settledAfterMs?: number
}): Promise<Departures> {
  const { store, people, bus, fanout, hashOf, logger, settledAfterMs = SETTLED_AFTER_MS } = deps
  const { log } = store
  const stopped = new AbortController()
  let rouse = (): void => {}
  const running = run()

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        const open = await store.departures.open(DEPARTURES_AT_ONCE)
        const due = open.filter(({ at }) => Date.parse(at) + settledAfterMs <= Date.now())
        for (const departure of due) await depart(departure)
        if (due.length < DEPARTURES_AT_ONCE) await idle(open.length > due.length ? settledAfterMs / 5 : LOOK_MS)
      } catch (error) {
        logger.warn({ err: error }, 'who has gone will be seen to later')
        await idle(LOOK_MS)
      }
    }
  }

  async function idle(ms: number): Promise<void> {
    if (stopped.signal.aborted) return
    const end = new AbortController()
    rouse = () => end.abort()
    await pause(ms, undefined, { signal: end.signal }).catch(() => {})
  }

  /** Two nodes that do it at once do the same things, under the same ids. */
  async function depart({ userId, messages, after }: Departure): Promise<void> {
    for (let last = after; !stopped.signal.aborted; ) {
      const ids = await store.departures.conversations(userId, last, CONVERSATIONS_AT_ONCE)
      for (const id of ids) {
        if (stopped.signal.aborted) return
        await leave(userId, id, messages)
      }
      last = ids.at(-1)
      if (last !== undefined) await store.departures.advance(userId, last)
      crashPoint('departure.middle')
      if (ids.length < CONVERSATIONS_AT_ONCE) break
    }
    while (!stopped.signal.aborted) {
      const count = await store.departures.forget(userId, FORGOTTEN_AT_ONCE)
      if (count < FORGOTTEN_AT_ONCE) return store.departures.finish(userId)
      await pause(BREATH_MS)
    }
  }

  async function leave(userId: string, id: string, messages: KeepOrErase): Promise<void> {
    const conversation = await log.findConversation(id)
    if (!conversation) return
    if (messages === 'erase') await erase(userId, conversation)
    const me = conversation.members.get(userId)
    if (!me) return
    if (conversation.kind === 'group')
      return append(id, userId, `left ${me.fromRev}`, ({ members }) =>
        members.has(userId) ? { kind: 'members.removed', userIds: [userId] } : undefined,
      )
    // Nothing of it need have changed, but how the other sees it has: devices that are away find it in their list.
    const [entry] = await log.readEntries(id, conversation.rev, conversation.rev)
    if (entry) await log.raise([entry])
    await fanout.event('sync.hint', {}, { conversationId: id, membersRev: conversation.membersRev })
  }

  /** Through the whole log, in closed ranges; whatever is erased already is passed over, so that it may begin anew. */
  async function erase(userId: string, conversation: Conversation): Promise<void> {
    const { id, headSeq } = conversation
    for (let from = 1; from <= headSeq && !stopped.signal.aborted; from += PAGE) {
      const page = await log.readMessages(id, from, Math.min(from + PAGE - 1, headSeq))
      const own = page.filter(({ senderId, deleted }) => senderId === userId && !deleted)
      await eachAtOnce(8, own, ({ seq }) =>
        append(id, userId, `deleted ${seq}`, () => ({ kind: 'message.deleted', seq })),
      )
      await eachAtOnce(8, reactionsOf(userId, page), ({ seq, emoji }) =>
        append(id, userId, `unsaid ${seq} ${emoji}`, () => ({ kind: 'message.reacted', seq, emoji, on: false })),
      )
      if (own.length > 0) await pause(BREATH_MS)
    }
  }

  /** Appends what is decided on the conversation as it is. `what` names it for ever, so that it is appended once. */
  async function append(
    conversationId: string,
    userId: string,
    what: string,
    decide: (conversation: Conversation) => object | undefined,
  ): Promise<void> {
    const entryId = uuidOf(`departure\0${userId}\0${conversationId}\0${what}`)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const conversation = await log.findConversation(conversationId)
      const decided = conversation && decide(conversation)
      if (!decided) return
      const { membersRev } = conversation
      const base = { conversationId, id: entryId, senderId: userId, contentHash: hashOf('departure', what), membersRev }
      const done = await log.append({ ...decided, ...base } as Draft)
      if (done.outcome === 'appended') await fanout.entry(done.entry)
      if (done.outcome !== 'stale') return
    }
    throw new Error(`${conversationId} changes too fast to be left`)
  }

  async function note(gone: { userId: string; messages: KeepOrErase; at: string }): Promise<void> {
    await store.departures.begin(gone)
    people.forget(gone.userId)
    rouse()
  }

  const subscription = await bus.subscribe('chat.departures', ({ data: { id: userId, messages, at } }) =>
    note({ userId, messages, at }),
  )

  return {
    note,
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]()
      stopped.abort()
      rouse()
      await running
    },
  }
}

const reactionsOf = (userId: string, page: readonly MessageEntry[]): { seq: number; emoji: string }[] =>
  page.flatMap(({ seq, senderId, reactions = [] }) =>
    // Those of one's own messages go with the message.
    senderId === userId
      ? []
      : reactions.filter(({ userIds }) => userIds.includes(userId)).map(({ emoji }) => ({ seq, emoji })),
  )
