import { randomUUID } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { Entry } from '@parley/protocol/conversation'
import type { ContentHash } from './content-hash.ts'
import { applyEntry, type Conversation } from './conversation.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { Draft, LogStore } from './store/store.ts'
import { openTurns } from './turns.ts'

type Decided = Exclude<Draft, { kind: 'message' | 'created' }>
/** What a rule decides is to be done to a conversation; who, where and under which id is given beside it. */
export type Change = Decided extends infer D
  ? D extends Decided
    ? Omit<D, 'conversationId' | 'id' | 'senderId' | 'contentHash' | 'membersRev'>
    : never
  : never

/** A change that someone wants: how the conversation is looked up, which refuses who may not see it, and what is decided on it as it is. */
export interface Changing<S extends { conversation: Conversation }> {
  userId: string
  conversationId: string
  look: () => Promise<S>
  /** Refuses by throwing; nothing is to be done where it gives nothing. */
  decide: (seen: S) => Change | undefined | Promise<Change | undefined>
  /** The entry's id, where the same request can come again: the same id and content is the same entry, another content `idempotency.mismatch`. */
  repeat?: { id: string; content: string } | undefined
}

/** Appends what was decided, and tells it; decides again when membership, roles or terms changed meanwhile. Gives the conversation with it, and the entry if there is one. */
export type ChangeConversation = <S extends { conversation: Conversation }>(
  changing: Changing<S>,
) => Promise<{ conversation: Conversation; entry?: Entry }>

const ATTEMPTS = 5
/** More changes than so many wait for no conversation. */
const WAITING = 200

export function openChange(deps: {
  log: Pick<LogStore, 'append'>
  fanout: Pick<Fanout, 'entry'>
  hashOf: ContentHash
}): ChangeConversation {
  const { log, fanout, hashOf } = deps

  // Each that is appended makes those decided beside it stale: so on one node one comes after the other.
  const inTurn = openTurns(WAITING)
  return async (changing) => {
    // Who may not see it does not stand in line either.
    await changing.look()
    return inTurn(changing.conversationId, () => append(changing))
  }

  async function append<S extends { conversation: Conversation }>({ userId, look, decide, repeat }: Changing<S>) {
    const { id, content } = repeat ?? { id: randomUUID(), content: '' }
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const seen = await look()
      const { conversation } = seen
      const change = await decide(seen)
      if (!change) return { conversation }
      const done = await log.append({
        ...change,
        conversationId: conversation.id,
        id,
        senderId: userId,
        contentHash: hashOf(change.kind, content || id),
        membersRev: conversation.membersRev,
      } as Draft)
      if (done.outcome === 'conflict')
        throw new Fault('idempotency.mismatch', 'That Idempotency-Key was used for something else in this conversation')
      if (done.outcome === 'stale') continue
      const { entry } = done
      if (entry.rev <= conversation.rev) return { conversation, entry }
      // An empty direct conversation is hidden until someone writes.
      if (conversation.kind === 'group' || entry.headSeq > 0) await fanout.entry(entry)
      return { conversation: applyEntry(conversation, entry), entry }
    }
    throw new Fault('unavailable', 'The conversation changes too fast: try again', { retryAfterMs: 200 })
  }
}
