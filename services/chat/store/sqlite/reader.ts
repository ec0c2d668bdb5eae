import { DatabaseSync } from 'node:sqlite'
import { Fault } from '@parley/kit/fault'
import type { ChangeEntry, Entry, Marks, MessageEntry, MessageVersion } from '@parley/protocol/conversation'
import type { Limits } from '@parley/protocol/limits'
import { mentionsOf } from '@parley/protocol/message-change'
import type { OwnMark, OwnPage } from '@parley/protocol/own'
import type { Settings } from '@parley/protocol/settings'
import { isTimelineEvent, type TimelineEvent } from '@parley/protocol/timeline-event'
import type { PublicUser } from '@parley/protocol/user'

import type { Conversation } from '../../conversation.ts'
import type { Departure, FoundEntry, InboxRow, Starred, Stay } from '../store.ts'
import { hashOf, idBytes, idOf } from './bytes.ts'
import { conversationLoader } from './heads.ts'
import { EVERYBODY } from './mentions.ts'
import { type OwnRow, ownMarkOf } from './own.ts'
import { type ChangeRow, changeOf, type Extras, type MessageRow, messageOf, type StateRow, timeOf } from './rows.ts'
import { type SettingsRow, settingsOf } from './settings.ts'
import { all, one } from './statements.ts'

type DepartureRow = { user: Uint8Array; messages: Departure['messages']; at: string; after: Uint8Array | null }

/** The connection that only reads, on the main thread: closed ranges by index, prepared, of what was committed. */
export type Reader = ReturnType<typeof openReader>

/** Opens the file, which the writer has made. */
export function openReader(path: string, limits: Limits) {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  const begin = db.prepare('BEGIN')
  const end = db.prepare('COMMIT')
  const loadConversation = conversationLoader(db)
  const conversation = one<{ key: number }>(db, 'conversation')
  const messageById = one<MessageRow>(db, 'messageById')
  const changeById = one<ChangeRow>(db, 'changeById')
  const messages = all<MessageRow>(db, 'messages')
  const messageStates = all<StateRow>(db, 'messageStates')
  const messageBySeq = one<MessageRow>(db, 'messageBySeq')
  const mentions = all<{ seq: number; sender: Uint8Array }>(db, 'mentions')
  const messageState = one<StateRow>(db, 'messageState')
  const editedText = one<{ text: string; extras: string | null; expires: number | null }>(db, 'editedText')
  const firstNamed = one<{ named: string | null }>(db, 'firstNamed')
  const versions = all<{ text: string; at: number }>(db, 'versions')
  const changes = all<ChangeRow>(db, 'changes')
  const events = all<ChangeRow>(db, 'events')
  const changeBefore = one<{ rev: number; head_seq: number }>(db, 'changeBefore')
  const others = one<{ n: number; until: number | null }>(db, 'others')
  const meta = one<{ value: number }>(db, 'meta')
  const relayedAhead = all<{ pos: number }>(db, 'relayedAhead')
  const messagesAfter = all<MessageRow & { conversation_id: Uint8Array }>(db, 'messagesAfter')
  const changesAfter = all<ChangeRow & { conversation_id: Uint8Array }>(db, 'changesAfter')
  const messagePos = one<{ pos: number }>(db, 'messagePos')
  const changePos = one<{ pos: number }>(db, 'changePos')
  const marks = all<{ user: Uint8Array; delivered: number; read: number }>(db, 'marks')
  const mark = one<{ delivered: number; read: number }>(db, 'mark')
  const settings = one<SettingsRow>(db, 'settings')
  const settingsPinned = all<{ id: Uint8Array; from_rev: number }>(db, 'settingsPinned')
  const ownRev = one<{ rev: number | null }>(db, 'ownRev')
  const ownPage = all<OwnRow>(db, 'ownPage')
  const ownAmong = all<OwnRow>(db, 'ownAmong')
  const starred = all<{ id: Uint8Array; seq: number; place: number }>(db, 'starred')
  const countStarred = one<{ n: number }>(db, 'countStarred')
  const inboxHead = one<{ stamp: number; synced: number }>(db, 'inboxHead')
  const inboxPage = all<{ id: Uint8Array; stamp: number; gone: number }>(db, 'inboxPage')
  const inboxIds = all<{ id: Uint8Array }>(db, 'inboxIds')
  const leaseAlive = one<object>(db, 'leaseAlive')
  const activeLease = one<object>(db, 'activeLease')
  const lastSeen = one<{ at: number }>(db, 'lastSeen')
  const person = one<{ username: string; display_name: string | null; colour: number | null; rev: number }>(
    db,
    'person',
  )
  const departures = all<DepartureRow>(db, 'departures')
  const conversationsOf = all<{ id: Uint8Array }>(db, 'conversationsOf')
  let reads = 0

  return {
    /** How often it was read from; several statements that see one state are one read. */
    get reads(): number {
      return reads
    },

    conversation: (id: string): Conversation | undefined => snapshot(() => loadConversation(id)?.conversation),

    entry: (conversationId: string, id: string): FoundEntry | undefined =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        if (key === undefined) return undefined
        const message = messageById(key, idBytes(id))
        if (message) {
          const entry = messageOf(conversationId, message, messageState(key, message.seq))
          const edited = entry.editedAt === undefined ? undefined : firstNamed(key, message.seq)
          const named = edited && { named: JSON.parse(edited.named ?? '{}') as Extras }
          return { entry, contentHash: hashOf(message.hash), ...named }
        }
        const change = changeById(key, idBytes(id))
        return change && { entry: withText(changeOf(conversationId, change)), contentHash: hashOf(change.hash) }
      }),

    messages: (conversationId: string, fromSeq: number, toSeq: number): MessageEntry[] => {
      const from = Math.max(1, fromSeq)
      const to = Math.min(toSeq, from + limits.pageMax - 1)
      return snapshot(() => messagesOf(conversationId, from, to))
    },

    pickMessages: (conversationId: string, seqs: readonly number[]): MessageEntry[] =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        if (key === undefined) return []
        const asked = [...new Set(seqs)].sort((a, b) => a - b).slice(0, limits.pageMax)
        return asked.flatMap((seq) => {
          const row = messageBySeq(key, seq)
          return row ? [messageOf(conversationId, row, messageState(key, seq))] : []
        })
      }),

    mentions: (conversationId: string, userId: string, fromSeq: number, toSeq: number, limit: number) =>
      snapshot(() =>
        [idBytes(userId), EVERYBODY]
          .flatMap((named) => mentions(named, idBytes(conversationId), fromSeq, toSeq, Date.now(), limit))
          .sort((a, b) => a.seq - b.seq)
          .slice(0, limit)
          .map(({ seq, sender }) => ({ seq, senderId: idOf(sender) })),
      ),

    /** From the latest backwards, so that it is those that are within the limit. */
    events: (conversationId: string, fromSeq: number, toSeq: number, limit: number): TimelineEvent[] =>
      guard(() => events(idBytes(conversationId), fromSeq, toSeq, limit))
        .map((row) => changeOf(conversationId, row))
        .filter(isTimelineEvent)
        .reverse(),

    /** The present text last. */
    versions: (conversationId: string, seq: number): MessageVersion[] =>
      snapshot(() => {
        const [now] = messagesOf(conversationId, seq, seq)
        if (!now || now.deleted) return []
        const before = versions(idBytes(conversationId), seq).map(({ text, at }) => ({ text, createdAt: timeOf(at) }))
        return [...before, { text: now.text, createdAt: now.editedAt ?? now.createdAt }]
      }),

    entries: (conversationId: string, fromRev: number, toRev: number): Entry[] =>
      snapshot(() => {
        const from = Math.max(1, fromRev)
        const to = Math.min(toRev, from + limits.pageMax - 1)
        const id = idBytes(conversationId)
        const before = changeBefore(id, from)
        if (!before || to < from) return []
        // After a change every entry is a message until the next change: so a range of `rev` is a range of `seq`.
        const fromSeq = before.head_seq + Math.max(1, from - before.rev)
        const found: Entry[] = changes(id, from, to).map((row) => withText(changeOf(conversationId, row)))
        for (const message of messagesOf(conversationId, fromSeq, fromSeq + to - from))
          if (message.rev <= to) found.push(message)
        return found.sort((a, b) => a.rev - b.rev)
      }),

    countOthers: (conversationId: string, userId: string, afterSeq: number, toSeq: number, max: number) =>
      guard(() => {
        const found = others(idBytes(conversationId), afterSeq + 1, toSeq, idBytes(userId), Date.now(), max)
        const { n: count, until } = found ?? { n: 0, until: null }
        return { count, ...(until !== null && { until: timeOf(until) }) }
      }),

    /** What was not relayed, in the order of commits, with its position. */
    pending: (limit: number): { entry: Entry; position: number }[] =>
      snapshot(() => {
        const upTo = Number(meta('relayed')?.value)
        const ahead = new Set(relayedAhead(upTo).map(({ pos }) => pos))
        const most = limit + ahead.size
        return [
          ...messagesAfter(upTo, most).map((row) => ({
            entry: messagesOf(idOf(row.conversation_id), row.seq, row.seq)[0]!,
            position: row.pos,
          })),
          ...changesAfter(upTo, most).map((row) => ({
            entry: withText(changeOf(idOf(row.conversation_id), row)),
            position: row.pos,
          })),
        ]
          .sort((a, b) => a.position - b.position)
          .filter(({ position }) => !ahead.has(position))
          .slice(0, limit)
      }),

    position: (entry: Entry): number | undefined =>
      guard(() => {
        const id = idBytes(entry.conversationId)
        return (entry.kind === 'message' ? messagePos(id, entry.seq) : changePos(id, entry.rev))?.pos
      }),

    marks: (conversationId: string): Marks[] =>
      guard(() => marks(idBytes(conversationId))).map((row) => marksOf(idOf(row.user), row)),

    marksOf: (conversationId: string, userIds: readonly string[]): Marks[] =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        if (key === undefined) return []
        return userIds.flatMap((userId) => {
          const row = mark(key, idBytes(userId))
          return row ? [marksOf(userId, row)] : []
        })
      }),

    settings: (userId: string, stays: readonly Omit<Stay, 'userId'>[]): Settings[] =>
      snapshot(() =>
        stays.map(({ conversationId, fromRev }) => {
          const key = conversation(idBytes(conversationId))?.key
          return settingsOf(key === undefined ? undefined : settings(idBytes(userId), key), fromRev)
        }),
      ),

    settingsOfMembers: (conversationId: string, members: readonly Omit<Stay, 'conversationId'>[]): Settings[] =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        return members.map(({ userId, fromRev }) =>
          settingsOf(key === undefined ? undefined : settings(idBytes(userId), key), fromRev),
        )
      }),

    pinned: (userId: string, limit: number): Omit<Stay, 'userId'>[] =>
      guard(() => settingsPinned(idBytes(userId), limit)).map(({ id, from_rev }) => ({
        conversationId: idOf(id),
        fromRev: from_rev,
      })),

    ownPage: (userId: string, conversationId: string, fromSeq: number, after: number, limit: number): OwnPage =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        if (key === undefined) return { items: [], rev: 0, more: false }
        const user = idBytes(userId)
        const items = ownPage(user, key, after, fromSeq, limit).map(ownMarkOf)
        const head = ownRev(user, key)?.rev ?? 0
        // Without anything left above the last of a page that is full, it tells everything.
        const rev = items.length < limit ? head : (items.at(-1)?.rev ?? head)
        return { items, rev, more: rev < head }
      }),

    ownAmong: (userId: string, conversationId: string, fromSeq: number, toSeq: number): OwnMark[] =>
      snapshot(() => {
        const key = conversation(idBytes(conversationId))?.key
        const to = Math.min(toSeq, fromSeq + limits.pageMax - 1)
        return key === undefined ? [] : ownAmong(idBytes(userId), key, fromSeq, to).map(ownMarkOf)
      }),

    ownRevs: (userId: string, conversationIds: readonly string[]): number[] =>
      snapshot(() =>
        conversationIds.map((id) => {
          const key = conversation(idBytes(id))?.key
          return key === undefined ? 0 : (ownRev(idBytes(userId), key)?.rev ?? 0)
        }),
      ),

    starred: (userId: string, limit: number, before = Number.MAX_SAFE_INTEGER): Starred[] =>
      guard(() => starred(idBytes(userId), before, limit)).map(({ id, seq, place }) => ({
        conversationId: idOf(id),
        seq,
        place,
      })),

    countStarred: (userId: string, max: number): number => guard(() => countStarred(idBytes(userId), max)?.n ?? 0),

    inbox: (
      userId: string,
      after: number,
      limit: number,
    ): { rows: InboxRow[]; head: { stamp: number; synced: number } } =>
      snapshot(() => {
        const user = idBytes(userId)
        const head = inboxHead(user)
        if (!head) return { rows: [], head: { stamp: 0, synced: 0 } }
        const rows = inboxPage(user, after, limit).map(({ id, stamp, gone }) => ({
          conversationId: idOf(id),
          stamp,
          gone: gone === 1,
        }))
        return { rows, head }
      }),

    inboxIds: (userId: string, limit: number): string[] =>
      guard(() => inboxIds(idBytes(userId), limit)).map(({ id }) => idOf(id)),

    inboxHeads: (userIds: readonly string[]): number[] =>
      snapshot(() => userIds.map((userId) => inboxHead(idBytes(userId))?.stamp ?? 0)),

    presence: (
      userIds: readonly string[],
      aliveAfter: number,
    ): { userId: string; online: boolean; lastSeenAt?: string }[] =>
      snapshot(() =>
        userIds.map((userId) => {
          const user = idBytes(userId)
          if (leaseAlive(user, aliveAfter)) return { userId, online: true }
          const seen = lastSeen(user)
          return { userId, online: false, ...(seen && { lastSeenAt: timeOf(seen.at) }) }
        }),
      ),

    active: (userIds: readonly string[], aliveAfter: number): string[] =>
      snapshot(() => userIds.filter((userId) => activeLease(idBytes(userId), aliveAfter) !== undefined)),

    people: (ids: readonly string[]): PublicUser[] =>
      snapshot(() =>
        ids.flatMap((id) => {
          const found = person(idBytes(id))
          if (!found) return []
          const { username, display_name: displayName, colour, rev } = found
          const chosen = { ...(displayName !== null && { displayName }), ...(colour !== null && { colour }) }
          return [{ id, username, ...chosen, ...(rev > 0 && { rev }) }]
        }),
      ),

    departures: (limit: number): Departure[] =>
      guard(() => departures(limit)).map(({ user, messages, at, after }) => ({
        userId: idOf(user),
        messages,
        at,
        ...(after && { after: idOf(after) }),
      })),

    conversationsOf: (userId: string, after: string | undefined, limit: number): string[] =>
      guard(() => conversationsOf(idBytes(userId), after === undefined ? null : idBytes(after), limit)).map(({ id }) =>
        idOf(id),
      ),

    close: () => db.close(),
  }

  function messagesOf(conversationId: string, from: number, to: number): MessageEntry[] {
    const id = idBytes(conversationId)
    const states = messageStates(id, from, to)
    if (states.length === 0) return messages(id, from, to).map((row) => messageOf(conversationId, row))
    const bySeq = new Map(states.map((state) => [state.seq, state]))
    return messages(id, from, to).map((row) => messageOf(conversationId, row, bySeq.get(row.seq)))
  }

  /** An edit has its text, and whom that names, while it is the latest. */
  function withText(change: ChangeEntry): ChangeEntry {
    if (change.kind !== 'message.edited') return change
    const found = editedText(idBytes(change.conversationId), change.seq, change.rev)
    if (!found || (found.expires !== null && found.expires <= Date.now())) return change
    return { ...change, text: found.text, ...mentionsOf(JSON.parse(found.extras ?? '{}') as Extras) }
  }

  /** Several statements that see one and the same state. */
  function snapshot<T>(read: () => T): T {
    return guard(() => {
      begin.run()
      try {
        return read()
      } finally {
        end.run()
      }
    })
  }

  /** A read that the database cannot carry out, or that comes after the end, is `unavailable` and not a defect of ours. */
  function guard<T>(read: () => T): T {
    reads++
    try {
      return read()
    } catch (error) {
      if (error instanceof Error && ('errcode' in error || ('code' in error && error.code === 'ERR_INVALID_STATE')))
        throw new Fault('unavailable', 'The store cannot be read for the moment', { cause: error })
      throw error
    }
  }
}

function marksOf(userId: string, row: { delivered: number; read: number }): Marks {
  return { userId, deliveredSeq: row.delivered, readSeq: row.read }
}
