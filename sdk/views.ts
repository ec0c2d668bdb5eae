import { asOf, changed, type MessageChange } from '@parley/protocol/message-change'
import type { Settings } from '@parley/protocol/settings'
import { namedInEvent } from '@parley/protocol/timeline-event'
import type { Conversation, Device } from './device.ts'
import type { Expiry } from './expiry.ts'
import { type Held, mentionsOf, namesOne, type StoredMessage, statusOf, unreadOf } from './held.ts'
import type { Outbox } from './outbox.ts'
import type { OwnShown } from './own.ts'
import { hasOlder } from './pages.ts'
import type { Quotes } from './quotes.ts'
import { among, type StoredEvent } from './timeline-events.ts'
import type { Amendment, ConversationView, OutboxItem, Quote, TimelineMessage, TimelineView } from './types.ts'
import type { Typing } from './typing.ts'

/** What is shown of a device's state. Objects stay the same while what they show does. */
export interface Views {
  message(message: StoredMessage, held: Held): TimelineMessage
  timeline(conversationId: string): TimelineView
  conversation(conversationId: string): ConversationView | undefined
  conversations(): readonly ConversationView[]
  /** What is pinned, of these and of what is at hand: the server does not know yet of one's own pins that wait. */
  pins(conversationId: string, found: readonly StoredMessage[]): readonly StoredMessage[]
  /** Someone is called otherwise. */
  renamed(): void
  /** Where an item of the outbox goes, as far as known. */
  target(to: OutboxItem['to']): string
}

export function openViews(
  device: Device,
  outbox: () => Outbox,
  typing: Typing,
  settingsOf: (held: Held) => Settings,
  quotes: () => Quotes,
  /** Whom one has blocked, as far as known. */
  hides: () => ReadonlySet<string>,
  ownOf: (conversationId: string) => OwnShown,
  expiry: () => Pick<Expiry, 'now' | 'due'>,
  /** Which message one has begun to answer. */
  answerOf: (conversationId: string) => number | undefined,
  /** These are named in what is shown: whether by the names of now is to be found out. */
  seen: (userIds: Iterable<string>) => void,
): Views {
  const messages = new WeakMap<StoredMessage, TimelineMessage>()
  const shown = new Map<
    string,
    {
      held: Held
      settings: Settings
      own: OwnShown
      hides: ReadonlySet<string>
      pendingCount: number
      /** One's own pins that wait. */
      pins: string
      view: ConversationView
    }
  >()

  /** What is shown disappears at its moment, wherever it is kept. */
  function unlessGone(stored: StoredMessage): StoredMessage {
    if (stored.expiresAt === undefined || stored.deleted) return stored
    expiry().due(Date.parse(stored.expiresAt))
    return asOf(stored, expiry().now())
  }

  /** With the changes of one's own that are on their way. */
  function shownAs(kept: StoredMessage, changes: readonly OutboxItem[]): StoredMessage {
    const stored = unlessGone(kept)
    const about = changes.filter(({ change }) => change?.seq === stored.seq)
    if (about.length === 0) return stored
    const after = about.reduce((message, { change, id, queuedAt }) => {
      const { conversationId, headSeq, membersRev, seq } = message
      const rev = (message.changedRev ?? 0) + 1
      const place = { conversationId, headSeq, membersRev, seq, rev, id, senderId: device.me.id, createdAt: queuedAt }
      return changed(message, entryOf(change!.action as Amendment, place))
    }, stored)
    const { changedRev: _, ...rest } = after
    return stored.changedRev === undefined ? rest : { ...rest, changedRev: stored.changedRev }
  }

  function message(stored: StoredMessage, held: Held): TimelineMessage {
    const mine = stored.senderId === device.me.id
    // On others' messages the ticks are not shown, but it has a value.
    const status = mine ? statusOf(held, stored.seq) : 'sent'
    const starred = ownOf(held.id).starred.has(stored.seq)
    const named = device.people.get(stored.senderId)
    // Who is no more has no name any more, whatever they were called when the message came.
    const sender = named === '' ? '' : stored.sender || (named ?? '')
    const before = messages.get(stored)
    if (before && before.status === status && before.sender === sender && (before.starred ?? false) === starred)
      return before
    const namesMe = namesOne(stored, device.me.id)
    const view: TimelineMessage = { ...stored, sender, mine, namesMe, status, ...(starred && { starred }) }
    messages.set(stored, view)
    return view
  }

  /** By the names of now where there were none when it came, or where there is none any more. */
  function event(stored: StoredEvent): StoredEvent {
    const others = namedInEvent(stored).flatMap((id): [string, string][] => {
      const [was, now] = [stored.names[id], device.people.get(id)]
      return now !== undefined && was !== now && (now === '' || !was) ? [[id, now]] : []
    })
    return others.length === 0 ? stored : { ...stored, names: { ...stored.names, ...Object.fromEntries(others) } }
  }

  /** All who are named in what is shown. */
  function shownPeople(messages: readonly StoredMessage[], events: readonly StoredEvent[]): Set<string> {
    const ids = new Set([...messages.map(({ senderId }) => senderId), ...events.flatMap(namedInEvent)])
    ids.delete(device.me.id)
    return ids
  }

  /** The direct conversation with a user, if this device has it. */
  function directWith(userId: string): string | undefined {
    for (const { held } of device.conversations.values()) {
      const { kind, members = [] } = held.facts
      if (kind !== 'direct' || !members.some((member) => member.userId === userId)) continue
      if (userId === device.me.id ? members.length === 1 : members.length === 2) return held.id
    }
    return undefined
  }

  const target = (to: OutboxItem['to']): string =>
    'conversationId' in to ? to.conversationId : (directWith(to.receiverId) ?? to.receiverId)

  const pendingOf = (id: string): OutboxItem[] =>
    outbox()
      .items()
      .filter(({ to, change }) => !change && target(to) === id)

  const changesOf = (id: string): OutboxItem[] =>
    outbox()
      .items()
      .filter(({ to, change }) => change && target(to) === id)

  /** The newest that is not hidden, as far as it is known here. */
  function lastShown({ held, messages }: Conversation, { hidden }: OwnShown): StoredMessage | undefined {
    const { lastMessage } = held
    if (!lastMessage || !hidden.has(lastMessage.seq)) return lastMessage
    return messages?.findLast(({ seq }) => !hidden.has(seq))
  }

  /** Who has deleted the account has no name from when that is heard. */
  function withoutNames(facts: Held['facts']): Held['facts'] {
    const isGone = (userId: string): boolean => device.people.get(userId) === ''
    if (!facts.members?.some(({ userId, deleted }) => !deleted && isGone(userId))) return facts
    const members = facts.members.map((member) =>
      isGone(member.userId) ? { ...member, username: '', deleted: true as const } : member,
    )
    return { ...facts, members, ...(facts.kind === 'direct' && { title: '' }) }
  }

  /** As what waits will make of it, without what one has hidden. */
  function withPins(facts: Held['facts'], pins: readonly OutboxItem[], hidden: OwnShown['hidden']): Held['facts'] {
    const known = facts.pinned ?? []
    if (pins.length === 0 && !known.some((seq) => hidden.has(seq))) return facts
    const pinned = pins
      .reduce((seqs, { change }) => (change?.action.kind === 'pin' ? repinned(seqs, change.action) : seqs), known)
      .filter((seq) => !hidden.has(seq))
    const { pinned: _, ...rest } = facts
    return pinned.length > 0 ? { ...rest, pinned } : rest
  }

  const pinsOf = (id: string): OutboxItem[] => changesOf(id).filter(({ change }) => change?.action.kind === 'pin')

  function viewOf(
    conversation: Conversation,
    pendingCount: number,
    pins: readonly OutboxItem[] = NONE,
  ): ConversationView {
    const { held } = conversation
    const before = shown.get(held.id)
    const settings = settingsOf(held)
    const own = ownOf(held.id)
    const hidden = hides()
    const last = lastShown(conversation, own)
    const lastMessage = last && message(last, held)
    const waiting = pins.map(({ id }) => id).join()
    const same =
      before?.held === held &&
      before.settings === settings &&
      before.own === own &&
      before.hides === hidden &&
      before.pins === waiting
    if (same && before.pendingCount === pendingCount && before.view.lastMessage === lastMessage) return before.view
    const { marks, rev, headSeq, deliveredSeq, readSeq } = held
    const facts = withPins(withoutNames(held.facts), pins, own.hidden)
    const { unread } = unreadOf(held)
    const mentions = unread > 0 ? mentionsOf(held, (userId) => hidden.has(userId)) : 0
    const view: ConversationView = {
      ...facts,
      rev,
      headSeq,
      ...(lastMessage && { lastMessage }),
      ...(marks && { marks: [...marks] }),
      me: { ...facts.me, deliveredSeq, readSeq, unread, mentions, settings },
      pendingCount,
    }
    shown.set(held.id, { held, settings, own, hides: hidden, pendingCount, pins: waiting, view })
    return view
  }

  function quotesOf(conversation: Conversation | undefined, changes: readonly OutboxItem[]): Map<number, Quote> {
    const found = new Map<number, Quote>()
    if (!conversation) return found
    const { held } = conversation
    const messages = conversation.away?.messages ?? conversation.messages ?? []
    for (const { replyTo } of [...messages, ...pendingOf(held.id)])
      if (replyTo !== undefined && !found.has(replyTo)) found.set(replyTo, quoteOf(conversation, replyTo, changes))
    return found
  }

  function quoteOf(conversation: Conversation, seq: number, changes: readonly OutboxItem[]): Quote {
    if (ownOf(conversation.held.id).hidden.has(seq)) return 'hidden'
    const quoted = quotes().find(conversation, seq)
    return typeof quoted === 'string' ? quoted : message(shownAs(quoted, changes), conversation.held)
  }

  const pinnedFirst = (a: Held, b: Held): number => (settingsOf(b).pinned ?? 0) - (settingsOf(a).pinned ?? 0)

  return {
    message,
    renamed: () => shown.clear(),
    pins(id, found) {
      const conversation = device.conversations.get(id)
      if (!conversation) return found
      const { held, messages = [], away, quoted } = conversation
      const { hidden } = ownOf(id)
      const changes = changesOf(id)
      const atHand = [...quoted.values(), ...(away?.messages ?? []), ...messages].flatMap((one) => one ?? [])
      const bySeq = new Map([...atHand, ...found].map((one) => [one.seq, one]))
      return (withPins(held.facts, pinsOf(id), hidden).pinned ?? []).flatMap((seq) => {
        const stored = bySeq.get(seq)
        const now = stored && message(shownAs(stored, changes), held)
        return now && !now.deleted ? [now] : []
      })
    },
    target,
    timeline(id) {
      const conversation = device.conversations.get(id)
      const held = conversation?.held
      const changes = changesOf(id)
      const away = conversation?.away
      const { hidden } = ownOf(id)
      const stored = away?.messages ?? conversation?.messages ?? []
      const answering = answerOf(id)
      const shown = hidden.size === 0 ? stored : stored.filter(({ seq }) => !hidden.has(seq))
      const events = held ? among(conversation.events ?? [], stored, held.facts.me.fromSeq, away !== undefined) : []
      seen(shownPeople(stored, events))
      return {
        conversationId: id,
        messages: held ? shown.map((one) => message(shownAs(one, changes), held)) : [],
        events: events.map(event),
        quotes: quotesOf(conversation, changes),
        ...(conversation &&
          answering !== undefined && {
            answering: { seq: answering, message: quoteOf(conversation, answering, changes) },
          }),
        // They stand behind the newest message, which is not in sight.
        pending: away ? [] : pendingOf(id).map((item) => ({ ...item, status: item.refused ? 'failed' : 'pending' })),
        hasNewer: away !== undefined,
        loadingNewer: conversation?.loadingNewer ?? false,
        hasOlder: conversation !== undefined && hasOlder(conversation),
        loadingOlder: conversation?.loadingOlder ?? false,
        marks: held?.marks ?? [],
        typing: typing.in(id),
      }
    },
    conversation(id) {
      const conversation = device.conversations.get(id)
      return conversation && viewOf(conversation, pendingOf(id).length, pinsOf(id))
    },
    conversations() {
      for (const id of shown.keys()) if (!device.conversations.has(id)) shown.delete(id)
      const pending = new Map<string, number>()
      const pins = new Map<string, OutboxItem[]>()
      for (const item of outbox().items()) {
        const id = target(item.to)
        if (!item.change) pending.set(id, (pending.get(id) ?? 0) + 1)
        else if (item.change.action.kind === 'pin') pins.set(id, [...(pins.get(id) ?? []), item])
      }
      return [...device.conversations.values()]
        .sort(
          (a, b) =>
            pinnedFirst(a.held, b.held) ||
            (a.held.activeAt < b.held.activeAt ? 1 : a.held.activeAt > b.held.activeAt ? -1 : 0),
        )
        .map((conversation) =>
          viewOf(conversation, pending.get(conversation.held.id) ?? 0, pins.get(conversation.held.id)),
        )
    },
  }
}

/** What an action will be in the log, at that place. */
function entryOf(
  action: Amendment,
  place: Omit<Extract<MessageChange, { kind: 'message.deleted' }>, 'kind'>,
): MessageChange {
  if (action.kind === 'edit') return { ...place, kind: 'message.edited', text: action.text }
  if (action.kind === 'delete') return { ...place, kind: 'message.deleted' }
  return { ...place, kind: 'message.reacted', emoji: action.emoji, on: action.on }
}

const NONE: readonly OutboxItem[] = []

/** One that is pinned again stands last. */
function repinned(seqs: readonly number[], { seq, on }: { seq: number; on: boolean }): number[] {
  const others = seqs.filter((one) => one !== seq)
  return on ? [...others, seq] : others
}
