import type { ConversationItem, Entry, LogPage, Marks, MemberItem, SyncPage } from '@parley/protocol/conversation'
import { asOf, changed, changesMessage, type MessageChange } from '@parley/protocol/message-change'
import { type Settings, UNSET } from '@parley/protocol/settings'
import { isTimelineEvent } from '@parley/protocol/timeline-event'
import type { OwnUser } from '@parley/protocol/user'
import type { Away } from './away.ts'
import {
  type Held,
  heldFrom,
  heldFromStart,
  mayMiscount,
  mentionsAreCounted,
  needsFacts,
  type StoredMessage,
  unreadOf,
  WINDOW,
  withEntry,
  withItem,
  withMarks,
  withoutExpired,
  withSettings,
  withWindow,
} from './held.ts'
import { type Changes, type Keeper, Patch } from './keeper.ts'
import type { Names } from './names.ts'
import { userPrefix } from './session.ts'
import { isBehind, isTooFar, receive, TOO_FAR, withChanges } from './timeline.ts'
import { EVENTS_KEPT, merged, type StoredEvent, withNames } from './timeline-events.ts'
import type { DeviceStorage } from './types.ts'

/** A conversation on this device. `messages`, where they are in memory, are a dense run up to `held.headSeq`. */
export interface Conversation {
  held: Held
  early: ReadonlyMap<number, Entry>
  messages?: readonly StoredMessage[]
  /** What happened among them, in the order of the log; in memory whenever they are. */
  events?: readonly StoredEvent[]
  /** Where one has jumped to, while there is a hole between that and `messages`: it is shown in their place. Never kept. */
  away?: Away<StoredMessage>
  /** Someone looks at it: older messages stay in memory. */
  open: boolean
  /** An older page is on its way. */
  loadingOlder: boolean
  loadingNewer?: boolean
  /** Messages beyond those in memory that these answer, by `seq`, as they are now; null for what one may not see. The least used first. */
  quoted: Map<number, StoredMessage | null>
  /** For each page of messages that is on its way here: the changes that came meanwhile, which it may not show. */
  meanwhile: Set<MessageChange[]>
  /** What `doubts` was when it began here: what was asked for before that may not know of it. */
  since: number
}

/** What others on this device do when something changed here. Called in order, never while a change is half made. */
export interface DeviceHooks {
  /** The view of a conversation changed. */
  changed(conversationId: string): void
  /** Entries up to `rev` are applied, these messages among them. Gives what else is to be kept in the same write. */
  applied(conversationId: string, rev: number, messages: readonly StoredMessage[]): Changes
  /** A message entered; after `applied`. */
  message(message: StoredMessage, held: Held): void
  /** Everything up to `seq` is stored; `held.headSeq` may be ahead of the disk by now. */
  stored(conversationId: string, seq: number): void
  /** Something is missing here: entries, or facts. */
  behind(conversationId: string): void
  dropped(conversationId: string): void
  /** The list is read anew: nothing that came before is sure to go on. */
  anew(): void
  /** Whoever is in a conversation, as the server or what is stored says. */
  met(members: readonly MemberItem[]): void
}

/** Conversations of which it is remembered what ended the last stay in them. */
const ENDS = 1_000

/** A young conversation that turns up is fetched from its start when it has at most this many entries. */
const YOUNG = 50

export type Device = ReturnType<typeof openDevice>

/** What one user has on this device: the conversations, and the cursor up to which the list of them is known. */
export function openDevice(
  me: OwnUser,
  storage: DeviceStorage,
  keeper: Keeper,
  leads: () => boolean,
  hooks: DeviceHooks,
  people: Pick<Names, 'get' | 'has' | 'set'>,
) {
  const conversations = new Map<string, Conversation>()
  /** Asked for again although nothing is missing: unread cannot be counted here. What was asked for before `doubts` came to that may have been counted too early. */
  const unsure = new Map<string, number>()
  let doubts = 0
  /** The `rev` that ended the last stay in a conversation: an answer of before that, from whichever node, begins no new one. */
  const ends = new Map<string, number>()
  const prefix = userPrefix(me.id)
  const cursorKey = `${prefix}cursor`
  const anewKey = `${prefix}anew`
  const conversationKey = (id: string): string => `${prefix}conversation/${id}`
  const messagesPrefix = (id: string): string => `${prefix}message/${id}/`
  const messageKey = (id: string, seq: number): string => `${messagesPrefix(id)}${String(seq).padStart(12, '0')}`
  const eventsKey = (id: string): string => `${prefix}events/${id}`
  let cursor: string | undefined
  /** Conversations that the new list has not named yet; undefined unless the list is being read anew. */
  let unseen: Set<string> | undefined

  /** Of several tabs the leader alone writes: two would undo each other's steps. Resolves when durable; never in a tab that follows. */
  const keep = (changes: Changes): Promise<void> => (leads() ? keeper.save(changes) : new Promise(() => {}))

  async function load(): Promise<void> {
    for (const [, value] of await storage.list(`${prefix}conversation/`)) {
      const held = await upToDate(value as Held)
      conversations.set(held.id, {
        held,
        early: new Map(),
        open: false,
        loadingOlder: false,
        quoted: new Map(),
        meanwhile: new Set(),
        since: 0,
      })
      meet(held)
    }
    cursor = (await storage.get(cursorKey)) as string | undefined
    if (await storage.get(anewKey)) beginAnew()
  }

  /** An earlier release did not keep which messages were deleted: where some are unread, it is found out from the messages. */
  async function upToDate(kept: Held): Promise<Held> {
    const held = whole(kept)
    if ((kept as Partial<Held>).deletedSeqs || held.readSeq >= held.headSeq) return held
    const messages = (await storage.list(messagesPrefix(held.id))).map(([, value]) => value as StoredMessage)
    return withWindow(
      held,
      messages.filter(({ seq }) => seq >= held.firstSeq),
      me.id,
    )
  }

  function meet({ facts, lastMessage }: Pick<Held, 'facts' | 'lastMessage'>): void {
    // Of whom nobody could be asked there is no name, either.
    for (const { userId, username, deleted } of facts.members ?? [])
      if (username || deleted) people.set(userId, username)
    if (facts.members) hooks.met(facts.members)
    if (lastMessage?.sender) people.set(lastMessage.senderId, lastMessage.sender)
  }

  /** One page of the list, and what `doubts` was when it was asked for: facts, and what is now known to be missing, kept in one write with the cursor. */
  async function takePage(page: SyncPage, asked = doubts): Promise<void> {
    const young = cursor !== undefined && !unseen
    const changes: (readonly [string, unknown])[] = []
    for (const item of page.items) {
      unseen?.delete(item.id)
      changes.push(...('gone' in item ? end(item.id, asked) : place(item, young, asked)))
    }
    cursor = page.cursor
    if (unseen && !page.more) {
      for (const id of unseen) changes.push(...forget(id))
      unseen = undefined
      changes.push([anewKey, undefined])
    }
    const heads = page.items.map(({ id }) => [id, headOf(id)] as const)
    await saved(keep([...changes, [cursorKey, cursor]]))
    for (const [id, seq] of heads) hooks.stored(id, seq)
  }

  const headOf = (id: string): number => conversations.get(id)?.held.headSeq ?? 0

  /** One conversation as the server has it now, and what `doubts` was when it was asked for. */
  function takeItem(item: ConversationItem, asked = doubts): void {
    const changes = place(item, true, asked)
    const seq = headOf(item.id)
    void keep(changes).then(() => hooks.stored(item.id, seq))
  }

  function place(item: ConversationItem, young: boolean, asked: number): Changes {
    const before = conversations.get(item.id)
    if (!before && item.rev < (ends.get(item.id) ?? 0)) return []
    const now = new Date().toISOString()
    if (asked >= (unsure.get(item.id) ?? 0)) unsure.delete(item.id)
    meet({ facts: item, ...(item.lastMessage && { lastMessage: item.lastMessage }) })
    if (before && mayGoOn(before.held, item)) {
      before.held = withItem(before.held, item, me.id)
      tell(before)
      return [[conversationKey(item.id), before.held]]
    }
    const fetchAll = young && !before && item.rev - item.me.fromRev < YOUNG
    const held = (fetchAll ? heldFromStart : heldFrom)(item, me.id, now)
    const gone = before ? messageKeys(before.held).map((key): [string, undefined] => [key, undefined]) : []
    const early = new Map([...(before?.early ?? [])].filter(([rev]) => rev > held.rev))
    const messages = held.lastMessage ? [held.lastMessage] : []
    const open = before?.open ?? false
    const fresh = { loadingOlder: false, quoted: new Map(), meanwhile: new Set<MessageChange[]>(), since: ++doubts }
    const next: Conversation = { held, early, messages, events: [], open, ...fresh }
    conversations.set(item.id, next)
    const entered = held.lastMessage ? [held.lastMessage] : []
    const stored = entered.map((message): [string, unknown] => [messageKey(item.id, message.seq), message])
    const more = hooks.applied(item.id, held.rev, entered)
    for (const message of entered) if (message.seq > (before?.held.headSeq ?? 0)) hooks.message(message, held)
    tell(next)
    return [...gone, ...stored, [eventsKey(item.id), []], [conversationKey(item.id), held], ...more]
  }

  /** What is held meets what the server has: else forget it and begin at the head. */
  function mayGoOn(held: Held, item: ConversationItem): boolean {
    const sameStay = item.me.fromRev === held.facts.me.fromRev || item.rev < held.facts.rev
    return sameStay && item.rev - held.rev <= TOO_FAR && !unseen
  }

  /** Entries as they come: live, from a page of the log, or one's own acknowledged message. */
  function takeEntries(id: string, entries: readonly Entry[], headRev = 0): void {
    const conversation = conversations.get(id)
    if (!conversation) return
    const { held, early } = conversation
    const { position, applied } = receive({ rev: held.rev, headRev: Math.max(held.headRev, headRev), early }, entries)
    conversation.early = position.early
    const removed = applied.find((entry) => entry.kind === 'members.removed' && entry.userIds.includes(me.id))
    if (removed) {
      left(id, removed.rev)
      return
    }
    if (applied.length === 0 && position.headRev === held.headRev) return
    const changes: (readonly [string, unknown])[] = []
    const entered: StoredMessage[] = []
    const amended: MessageChange[] = []
    const happened: StoredEvent[] = []
    let next: Held = { ...held, headRev: position.headRev }
    for (const entry of applied) {
      // A message changes no membership; one that was acknowledged to us does not say which.
      const whole = entry.kind === 'message' ? { ...entry, membersRev: next.facts.membersRev } : entry
      const step = withEntry(next, whole, me.id, people.get(entry.senderId) ?? '')
      next = step.held
      if (step.message) {
        entered.push(step.message)
        changes.push([messageKey(id, step.message.seq), step.message])
      }
      if (changesMessage(entry)) {
        amended.push(entry)
        if (mayMiscount(next, entry, me.id)) unsure.set(id, ++doubts)
        changes.push([messageKey(id, entry.seq), new Patch<StoredMessage>((message) => changed(message, entry))])
      }
      if (isTimelineEvent(entry)) happened.push(withNames(entry, people))
      for (const seq of step.dropped) changes.push([messageKey(id, seq), undefined])
    }
    conversation.held = next
    changes.push(...addEvents(conversation, happened))
    if (conversation.messages && entered.length > 0) {
      const all = [...conversation.messages, ...entered]
      conversation.messages = conversation.open ? all : all.slice(-WINDOW)
    }
    if (conversation.messages && amended.length > 0) conversation.messages = withChanges(conversation.messages, amended)
    if (conversation.away && amended.length > 0)
      conversation.away = { messages: withChanges(conversation.away.messages, amended) }
    for (const changes of conversation.meanwhile) changes.push(...amended)
    if (conversation.quoted.size > 0) for (const change of amended) requote(conversation, change)
    changes.push([conversationKey(id), conversation.held], ...hooks.applied(id, next.rev, entered))
    void keep(changes).then(() => hooks.stored(id, next.headSeq))
    for (const message of entered) hooks.message(message, next)
    recount(conversation)
  }

  /** Gives what is to be kept. Where the conversation is in memory, it is all of them, or the latest. */
  function addEvents(conversation: Conversation, happened: readonly StoredEvent[]): Changes {
    const { held, events, open } = conversation
    if (happened.length === 0) return []
    const key = eventsKey(held.id)
    if (!events) return [[key, new Patch<readonly StoredEvent[]>((kept) => merged(kept, happened).slice(-EVENTS_KEPT))]]
    const all = merged(events, happened)
    const latest = all.slice(-EVENTS_KEPT)
    conversation.events = open ? all : latest
    if (!open && latest.length < all.length)
      conversation.held = { ...held, eventsSeq: Math.max(held.eventsSeq, latest[0]!.headSeq + 1) }
    return [[key, latest]]
  }

  function requote({ quoted }: Conversation, change: MessageChange): void {
    const before = quoted.get(change.seq)
    if (before) quoted.set(change.seq, changed(before, change))
  }

  function takeLog(id: string, page: LogPage): void {
    takeEntries(id, page.items, page.headRev)
  }

  /** A member's marks, one's own included. */
  function takeMarks(id: string, mark: Marks): void {
    const conversation = conversations.get(id)
    if (!conversation) return
    conversation.held = withMarks(conversation.held, mark, me.id)
    void keep([[conversationKey(id), conversation.held]])
    recount(conversation)
  }

  /** One's own settings, as the server has them. */
  function takeSettings(id: string, settings: Settings): void {
    const conversation = conversations.get(id)
    if (!conversation) return
    conversation.held = withSettings(conversation.held, settings)
    void keep([[conversationKey(id), conversation.held]])
    tell(conversation)
  }

  /** A member's marks as far as known; undefined where they are not told. */
  function marksOf(id: string, userId: string): Marks | undefined {
    const held = conversations.get(id)?.held
    if (held && userId === me.id) return { userId, deliveredSeq: held.deliveredSeq, readSeq: held.readSeq }
    return held?.marks?.find((mark) => mark.userId === userId)
  }

  /** Lets go of what has disappeared by that time, in memory and where it is kept. */
  function expire(now: number): void {
    for (const conversation of conversations.values()) {
      const { held, gone } = withoutExpired(conversation.held, now)
      const { messages, away, quoted } = conversation
      const left = messages && allAsOf(messages, now)
      const leftAway = away && allAsOf(away.messages, now)
      const stale = [...quoted].filter(([, message]) => message && asOf(message, now) !== message)
      for (const [seq, message] of stale) quoted.set(seq, message && asOf(message, now))
      if (held === conversation.held && left === messages && leftAway === away?.messages && stale.length === 0) continue
      // The server may have counted them before they were gone.
      if (gone.some((seq) => seq <= held.counted.headSeq && seq > held.readSeq)) unsure.set(held.id, ++doubts)
      conversation.held = held
      if (left) conversation.messages = left
      if (leftAway) conversation.away = { messages: leftAway }
      const erase = new Patch<StoredMessage>((message) => asOf(message, now))
      void keep([
        ...gone.map((seq): [string, unknown] => [messageKey(held.id, seq), erase]),
        [conversationKey(held.id), held],
      ])
      recount(conversation)
    }
  }

  /** The server knows that this device has everything up to `seq`. Not kept at once: after a crash it is told again, to no harm. */
  function wasTold(id: string, deliveredSeq: number): void {
    const conversation = conversations.get(id)
    if (conversation)
      conversation.held = withMarks(conversation.held, { userId: me.id, deliveredSeq, readSeq: 0 }, me.id)
  }

  /** The user hides these now, or no more: of their messages the server has counted what names the user, or has not. */
  function hid(userIds: ReadonlySet<string>): void {
    doubts++
    for (const conversation of conversations.values()) {
      const { id, facts } = conversation.held
      if (facts.members && !facts.members.some(({ userId }) => userIds.has(userId))) continue
      if (mentionsAreCounted(conversation.held)) unsure.set(id, doubts)
      tell(conversation)
    }
  }

  /** After a change that the server's count of unread did not know of: it may have to be asked for again. */
  function recount(conversation: Conversation): void {
    const { held } = conversation
    if (!isBehind(held) && !unreadOf(held).sure && !unsure.has(held.id)) unsure.set(held.id, doubts)
    tell(conversation)
  }

  /** Tells of the change, and of what is still missing. */
  function tell(conversation: Conversation): void {
    hooks.changed(conversation.held.id)
    if (isMissing(conversation)) hooks.behind(conversation.held.id)
  }

  const isMissing = ({ held }: Conversation): boolean => isBehind(held) || needsFacts(held) || unsure.has(held.id)

  function drop(id: string): void {
    void keep(forget(id))
  }

  /** The entry of that `rev` ended a stay: whether it was this one. Heard from two nodes it may be the one before; then nothing ends, and nothing enters a second time. */
  function left(id: string, rev: number): boolean {
    const held = conversations.get(id)?.held
    if (!ends.has(id) && ends.size >= ENDS) ends.delete(ends.keys().next().value!)
    ends.set(id, Math.max(rev, ends.get(id) ?? 0))
    if (held && rev < held.facts.me.fromRev) return false
    drop(id)
    return true
  }

  /** The list says that a conversation is over. One that began here since that was asked for may be a later stay: it is looked at again. */
  function end(id: string, asked: number): Changes {
    const conversation = conversations.get(id)
    if (!conversation || conversation.since <= asked) return forget(id)
    unsure.set(id, ++doubts)
    tell(conversation)
    return []
  }

  function forget(id: string): Changes {
    const conversation = conversations.get(id)
    unsure.delete(id)
    if (!conversation) return []
    conversations.delete(id)
    hooks.dropped(id)
    hooks.changed(id)
    return [conversationKey(id), eventsKey(id), ...messageKeys(conversation.held)].map((key) => [key, undefined])
  }

  const messageKeys = ({ id, firstSeq, headSeq }: Held): string[] =>
    Array.from({ length: headSeq - firstSeq + 1 }, (_, n) => messageKey(id, firstSeq + n))

  /** The cursor cannot be resumed: read the whole list again, and let go of what it does not name. */
  function beginAnew(): void {
    unseen = new Set(conversations.keys())
    cursor = undefined
    hooks.anew()
    void keep([
      [anewKey, true],
      [cursorKey, undefined],
    ])
  }

  /** What the tab that leads has kept of each conversation. */
  const kept = async (): Promise<Held[]> =>
    (await storage.list(`${prefix}conversation/`)).map(([, value]) => value as Held)

  /** This tab leads from now on: what it holds becomes what is kept. `before` is what was kept until then. */
  async function takeOver(before: readonly Held[]): Promise<void> {
    const gone = before.filter(({ id }) => !conversations.has(id))
    const forgotten = gone.flatMap((held) => [conversationKey(held.id), eventsKey(held.id), ...messageKeys(held)])
    for (const old of before) forgotten.push(...outdated(old))
    const held = [...conversations.values()].flatMap(({ held, messages, events }): [string, unknown][] => [
      [conversationKey(held.id), held],
      ...(events ? [[eventsKey(held.id), events.slice(-EVENTS_KEPT)] satisfies [string, unknown]] : []),
      ...(messages ?? [])
        .filter(({ seq }) => seq >= held.firstSeq)
        .map((message): [string, unknown] => [messageKey(held.id, message.seq), message]),
    ])
    const heads = [...conversations.keys()].map((id) => [id, headOf(id)] as const)
    const next = [...forgotten.map((key): [string, undefined] => [key, undefined]), ...held]
    await keep([...next, [anewKey, unseen && true], [cursorKey, cursor]])
    for (const [id, seq] of heads) hooks.stored(id, seq)
  }

  /** Lets go of stored messages that are not in memory where this tab has heard more than what they show: they lack changes. */
  function outdated(old: Held): string[] {
    const conversation = conversations.get(old.id)
    if (!conversation || old.rev >= conversation.held.rev) return []
    conversation.held = withWindow(conversation.held, conversation.messages ?? [], me.id)
    recount(conversation)
    const keys = messageKeys({ ...old, headSeq: Math.min(old.headSeq, conversation.held.firstSeq - 1) })
    return conversation.events ? keys : [eventsKey(old.id), ...keys]
  }

  return {
    me,
    conversations,
    people,
    cursor: () => cursor,
    load,
    takePage,
    takeItem,
    takeEntries,
    takeLog,
    takeMarks,
    takeSettings,
    marksOf,
    wasTold,
    hid,
    /** Goes with what is asked for, to be given back with the answer. */
    doubts: () => doubts,
    drop,
    left,
    beginAnew,
    kept,
    takeOver,
    keep,
    messagesPrefix,
    messageKey,
    eventsKey,
    conversationKey,
    addEvents,
    /** Conversations of which something is missing. */
    expire,
    missing: () => [...conversations.values()].filter(isMissing),
    /** Fetching page by page would take too long: ask for the conversation and begin at its head. */
    isTooFar: ({ held }: Conversation) => isTooFar(held),
    recount(id: string) {
      const conversation = conversations.get(id)
      if (conversation) recount(conversation)
    },
  }

  /** A tab that follows keeps nothing, and goes on at once. */
  function saved(kept: Promise<void>): Promise<void> {
    return leads() ? kept : Promise.resolve()
  }
}

/** The same array where none of them has disappeared. */
function allAsOf(messages: readonly StoredMessage[], now: number): readonly StoredMessage[] {
  const left = messages.map((message) => asOf(message, now))
  return left.every((message, n) => message === messages[n]) ? messages : left
}

/** What an earlier release kept has no settings, and does not know of mentions, of deletions and of one's own messages. */
function whole(held: Held): Held {
  const { facts, counted } = held
  const { settings = UNSET, mentions = 0, ownRev = 0 } = facts.me as Partial<typeof facts.me>
  const {
    naming = [],
    eventsSeq = held.headSeq + 1,
    deletedSeqs = [],
    lasting = [],
    deletedRev = 0,
    doubted = 0,
  } = held as Partial<Held>
  return {
    ...held,
    facts: { ...facts, me: { ...facts.me, settings, mentions, ownRev } },
    naming,
    eventsSeq,
    deletedSeqs,
    lasting,
    deletedRev,
    doubted,
    counted: { ...counted, mentions: counted.mentions ?? 0, rev: counted.rev ?? held.rev },
  }
}
