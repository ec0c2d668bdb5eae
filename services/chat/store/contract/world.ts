import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { Entry, MessageEntry } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { changesTerms } from '../../conversation.ts'
import type { Appended, ChatStore, Draft } from '../store.ts'

/** What the contract's tests say to a store, in the words of the tests. */

/** A draft of a message. The same `id`, `senderId` and `text` make the same draft. */
export function message(to: { id: string; membersRev: number }, senderId: string, text: string, id = newId()): Draft {
  return {
    kind: 'message',
    conversationId: to.id,
    id,
    senderId,
    text,
    contentHash: hashOf(text),
    membersRev: to.membersRev,
  }
}

/** A draft of a message that disappears after so long, if it does. */
export function lasting(
  room: { id: string; membersRev: number },
  senderId: string,
  text: string,
  lifetimeMs: number | undefined,
  more: object = {},
): Draft {
  const draft = message(room, senderId, text, newId())
  return lifetimeMs === undefined ? draft : ({ ...draft, extras: { ...more, lifetimeMs } } as Draft)
}

/** A draft of a group of these; the first creates and owns it. */
export function group(memberIds: readonly string[], title = 'A group', id = newId()): Draft {
  return {
    kind: 'created',
    conversationId: id,
    id,
    senderId: memberIds[0]!,
    contentHash: hashOf(title, ...memberIds),
    conversationKind: 'group',
    title,
    members: memberIds.map((userId, n) => ({ userId, role: n === 0 ? 'owner' : 'member' })),
  }
}

/** A draft of a change of membership. */
export function membership(
  kind: 'members.added' | 'members.removed',
  to: { id: string; membersRev: number },
  senderId: string,
  userIds: string[],
): Draft {
  const id = newId()
  const contentHash = hashOf(kind, ...userIds)
  return { kind, conversationId: to.id, id, senderId, contentHash, userIds, membersRev: to.membersRev }
}

/** A draft of a new title. */
export function title(to: { id: string; membersRev: number }, senderId: string, text: string): Draft {
  return {
    kind: 'renamed',
    conversationId: to.id,
    id: newId(),
    senderId,
    contentHash: hashOf(text),
    title: text,
    membersRev: to.membersRev,
  }
}

/** A draft of a change of the message with that `seq`. */
export function amendment(
  to: { id: string; membersRev: number },
  senderId: string,
  seq: number,
  change: { text: string } | { emoji: string; on: boolean } | 'deleted',
  id = newId(),
): Draft {
  const about = { conversationId: to.id, id, senderId, seq, membersRev: to.membersRev }
  const contentHash = hashOf('change', JSON.stringify([seq, change]))
  if (change === 'deleted') return { ...about, contentHash, kind: 'message.deleted' }
  if ('text' in change) return { ...about, contentHash, kind: 'message.edited', text: change.text }
  return { ...about, contentHash, kind: 'message.reacted', ...change }
}

/** Makes a group of these and gives what further drafts need to know of it. */
export async function newGroup(
  store: ChatStore,
  memberIds: readonly string[],
): Promise<{ id: string; membersRev: number }> {
  const entry = appended(await store.log.append(group(memberIds)))
  return { id: entry.conversationId, membersRev: entry.membersRev }
}

/** Sends texts one after another; gives their entries. */
export async function say(
  store: ChatStore,
  to: { id: string; membersRev: number },
  senderId: string,
  ...texts: string[]
): Promise<MessageEntry[]> {
  const replies = await Promise.all(texts.map((text) => store.log.append(message(to, senderId, text))))
  return replies.map((reply) => asMessage(appended(reply)))
}

/** The entry, which must have been committed by this very call. */
export function appended(reply: Appended): Entry {
  assert.equal(reply.outcome, 'appended')
  assert.ok('entry' in reply)
  return reply.entry
}

/** The entry, which must be a message. */
export function asMessage(entry: Entry): MessageEntry {
  assert.equal(entry.kind, 'message')
  assert.ok('seq' in entry)
  return entry
}

/** Appends until the store can; a loaded or racing store may say `unavailable`, and the same call then does what it would have done. */
export async function persist(store: ChatStore, draft: Draft): Promise<Appended> {
  for (let tries = 0; ; tries++) {
    try {
      return await store.log.append(draft)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unavailable' || tries === 20) throw error
    }
  }
}

/** The whole log, read page by page, which must be dense. */
export async function wholeLog(store: ChatStore, conversationId: string): Promise<Entry[]> {
  const log: Entry[] = []
  for (;;) {
    const page = await store.log.readEntries(conversationId, log.length + 1, log.length + LIMITS.pageMax)
    if (page.length === 0) break
    log.push(...page)
  }
  assertDense(log)
  return log
}

/** `rev` and `seq` are 1, 2, 3… and each entry knows the head. */
export function assertDense(log: readonly Entry[]): void {
  let seq = 0
  let membersRev = 0
  for (const [n, entry] of log.entries()) {
    assert.equal(entry.rev, n + 1, 'rev is dense')
    if (entry.kind === 'message') assert.equal(entry.seq, ++seq, 'seq is dense')
    else if (changesTerms(entry.kind)) membersRev = entry.rev
    assert.equal(entry.headSeq, seq)
    assert.equal(entry.membersRev, membersRev)
  }
}

/** Asks again until the answer is there, at most five seconds. */
export async function until<T>(ask: () => Promise<T | undefined | false>, withinMs = 5_000): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    assert.ok(Date.now() < deadline, `still not: ${ask}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** `count` new users. */
export function people(count: number): string[] {
  return Array.from({ length: count }, newId)
}

/** A new id, as a device or the user service makes it. */
export function newId(): string {
  return randomUUID()
}

/** As the keyed hash of a content looks. */
export function hashOf(...content: string[]): string {
  return createHash('sha256').update(content.join('\0')).digest('hex').slice(0, 32)
}
