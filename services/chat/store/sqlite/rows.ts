import type { ChangeEntry, Entry, MessageEntry, MessageExtras, Reaction } from '@parley/protocol/conversation'
import { erased } from '@parley/protocol/message-change'
import { type Conversation, type Member, NOTHING_MORE } from '../../conversation.ts'
import type { Draft, DraftExtras } from '../store.ts'
import { idOf } from './bytes.ts'

/** How rows become what the product speaks of, and back. */

export interface MessageRow {
  pos: number
  seq: number
  rev: number
  members_rev: number
  id: Uint8Array
  sender: Uint8Array
  at: number
  hash: Uint8Array
  text: string
  /** JSON: `Extras`; null for most. */
  extras: string | null
  /** Milliseconds since 1970. */
  expires: number | null
}

/** What a row keeps of what a message carries: all but when it disappears, which has a column of its own. */
export type Extras = Omit<MessageExtras, 'expiresAt'>

/** What became of a message since it was sent; most have none. */
export interface StateRow {
  seq: number
  changed_rev: number
  /** The entry that the text is of, and its time, when it was edited. */
  text_rev: number | null
  text_at: number | null
  edits: number
  deleted: number
  /** JSON: `Reaction[]`. */
  reactions: string
}

export interface ChangeRow {
  pos: number
  rev: number
  head_seq: number
  members_rev: number
  id: Uint8Array
  sender: Uint8Array
  at: number
  hash: Uint8Array
  kind: ChangeEntry['kind']
  body: string
}

export interface ConversationRow {
  key: number
  rev: number
  head_seq: number
  members_rev: number
  state: string
}

/** Where an entry stands: what the store gives to a draft. */
export interface Place {
  rev: number
  headSeq: number
  membersRev: number
  /** Milliseconds since 1970. */
  at: number
  /** The same; 0 where it does not disappear. */
  expires: number
}

/** The message of a row, as it is now: the only place where a row becomes one. */
export function messageOf(conversationId: string, row: MessageRow, state?: StateRow): MessageEntry {
  const message = presentOf(conversationId, row, state)
  if (row.expires === null) return message
  // What was swept stays away, though the clock were set back.
  return row.hash.length === 0 || row.expires <= Date.now() ? erased(message) : message
}

function presentOf(conversationId: string, row: MessageRow, state: StateRow | undefined): MessageEntry {
  const message = asSent(conversationId, row)
  if (!state) return message
  message.changedRev = state.changed_rev
  if (state.deleted) return { ...message, deleted: true }
  if (state.text_at !== null) Object.assign(message, { editedAt: timeOf(state.text_at), edits: state.edits })
  const reactions = JSON.parse(state.reactions) as Reaction[]
  return reactions.length > 0 ? { ...message, reactions } : message
}

function asSent(conversationId: string, row: MessageRow): MessageEntry {
  const message: MessageEntry = {
    kind: 'message',
    conversationId,
    rev: row.rev,
    seq: row.seq,
    id: idOf(row.id),
    senderId: idOf(row.sender),
    createdAt: timeOf(row.at),
    headSeq: row.seq,
    membersRev: row.members_rev,
    text: row.text,
  }
  if (row.extras !== null) Object.assign(message, JSON.parse(row.extras) as Extras)
  if (row.expires !== null) message.expiresAt = timeOf(row.expires)
  return message
}

/** What a draft's extras become: what the row keeps, null for nothing, and when the message disappears. */
export function extrasOf({ lifetimeMs, ...extras }: DraftExtras, at: number) {
  return {
    extras: Object.keys(extras).length > 0 ? extras : null,
    expires: lifetimeMs === undefined ? null : at + lifetimeMs,
  }
}

/** The change of a row. */
export function changeOf(conversationId: string, row: ChangeRow): ChangeEntry {
  // The body is what `bodyOf` wrote for this kind.
  return {
    kind: row.kind,
    conversationId,
    rev: row.rev,
    id: idOf(row.id),
    senderId: idOf(row.sender),
    createdAt: timeOf(row.at),
    headSeq: row.head_seq,
    membersRev: row.members_rev,
    ...JSON.parse(row.body),
  } as ChangeEntry
}

/** The entry that a draft became at its place. */
export function entryOf(draft: Draft, place: Place): Entry {
  const { conversationId, id, senderId } = draft
  const { rev, headSeq, membersRev } = place
  const createdAt = timeOf(place.at)
  if (draft.kind === 'message') {
    const { kind, text, extras: carried } = draft
    const message = { kind, conversationId, rev, seq: headSeq, id, senderId, createdAt, headSeq, membersRev, text }
    if (!carried) return message
    const { lifetimeMs: _, ...extras } = carried
    return { ...message, ...extras, ...(place.expires > 0 && { expiresAt: timeOf(place.expires) }) }
  }
  const entry = { ...changeIn(draft), conversationId, rev, id, senderId, createdAt, headSeq, membersRev }
  return entry as ChangeEntry
}

/** What a draft says beyond its place: the text of a message, JSON for a change. */
export function bodyOf(draft: Draft): string {
  if (draft.kind === 'message') return draft.text
  const { kind: _, ...body } = changeIn(draft)
  return JSON.stringify(body)
}

/** The kind of a change, and what only that kind carries. */
function changeIn(draft: Exclude<Draft, { kind: 'message' }>) {
  const { conversationId: _, id: _id, senderId: _sender, contentHash: _hash, ...rest } = draft
  if (rest.kind === 'created') return rest
  const { membersRev: _rev, ...change } = rest
  return change
}

/** What the latest change left, as JSON. The first four are as they were written when there was no more to a conversation. */
export function stateOf({ kind, title, createdAt, members, ...rest }: Conversation): string {
  const { id: _, rev: _rev, headSeq: _seq, membersRev: _members, ...more } = rest
  return JSON.stringify([kind, title, createdAt, [...members.values()], more])
}

/** The conversation of a row and, if there is any, its last message. */
export function conversationOf(
  id: string,
  row: ConversationRow,
  last: { seq: number; rev: number } | undefined,
): Conversation {
  const [kind, title, createdAt, members, more] = JSON.parse(row.state) as State
  return {
    ...NOTHING_MORE,
    ...more,
    id,
    kind,
    title,
    createdAt,
    rev: Math.max(row.rev, last?.rev ?? 0),
    headSeq: Math.max(row.head_seq, last?.seq ?? 0),
    membersRev: row.members_rev,
    members: new Map(members.map((member) => [member.userId, member])),
  }
}

type State = [Conversation['kind'], title: string, createdAt: string, Member[], more?: Partial<Conversation>]

let lastAt = Number.NaN
let lastTime = ''

/** RFC 3339 of milliseconds since 1970. A round's entries share one time, so the last answer is kept. */
export function timeOf(at: number): string {
  if (at !== lastAt) {
    lastTime = new Date(at).toISOString()
    lastAt = at
  }
  return lastTime
}
