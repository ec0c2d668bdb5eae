import type { MessagePage } from '@parley/protocol/conversation'
import type { Api } from './api.ts'
import type { Conversation, Device } from './device.ts'
import { asParleyError, deviceError } from './error.ts'
import { type Held, type StoredMessage, withWindow } from './held.ts'
import type { Keeper } from './keeper.ts'
import { keepQuotes } from './quotes.ts'
import { denseSuffix, meanwhile, prepend } from './timeline.ts'
import { completeFrom, EVENTS_KEPT, merged, type StoredEvent, withNames } from './timeline-events.ts'
import type { DeviceStorage } from './types.ts'

/** Messages of one conversation, from this device and, where it has none, from the server. */
export interface Pages {
  /** The newest messages in memory: what is stored here, or else a page from the server. Offline, what is stored has to do. */
  open(conversationId: string): Promise<void>
  loadOlder(conversationId: string): Promise<void>
  /** Messages that end where those in memory begin, or go on into them, come in front of them. */
  join(conversationId: string, items: readonly StoredMessage[]): void
}

const PAGE = 50
/** An opened conversation shows at least so many messages, if there are. */
const ENOUGH = 30

export function openPages(
  device: Device,
  storage: DeviceStorage,
  keeper: Keeper,
  api: Api,
  changed: (conversationId: string) => void,
): Pages {
  const opening = new Map<string, Promise<void>>()
  const older = new Map<string, Promise<void>>()

  async function openFirst(id: string): Promise<void> {
    await fromStorage(id)
    const conversation = device.conversations.get(id)
    if (!conversation) return
    conversation.open = true
    if (hasEnough(conversation) || !isMissing(conversation)) return
    await loadOlder(id).catch((error) => {
      const { problem } = asParleyError(error)
      const now = device.conversations.get(id)
      const nothing = !now?.messages?.length && now !== undefined && isAfterStart(now.held, now.messages)
      if (!problem.retryable || nothing) throw error
    })
  }

  async function fromStorage(id: string): Promise<void> {
    const before = device.conversations.get(id)
    if (!before || before.messages) return
    // From here on what arrives is added; what is stored then joins it in front.
    before.messages = []
    before.events = []
    let happened: readonly StoredEvent[] | undefined
    const stored = await meanwhile(before, async () => {
      const { rev } = before.held
      await keeper.flush()
      // Where the tab that keeps has heard less than this one, what is stored lacks changes that will not come again.
      const kept = (await storage.get(device.conversationKey(id))) as Held | undefined
      if (!kept || kept.rev < rev) return []
      happened = (await storage.get(device.eventsKey(id))) as typeof happened
      const rows = await storage.list(device.messagesPrefix(id))
      return rows.map(([, value]) => value as StoredMessage)
    })
    const conversation = device.conversations.get(id)
    if (conversation !== before) return
    const first = before.messages[0]?.seq ?? before.held.headSeq + 1
    const messages = prepend(before.messages, denseSuffix(stored, first - 1), before.held.headSeq)
    before.messages = messages
    // Another tab may have kept less, or more, than this one knew.
    if ((messages[0]?.seq ?? first) !== before.held.firstSeq)
      before.held = withWindow(before.held, messages, device.me.id)
    // Of as many as are kept the older ones may have been let go.
    const oldest = happened ? (happened.length >= EVENTS_KEPT ? happened[0]!.headSeq + 1 : 0) : before.held.headSeq + 1
    before.events = merged(happened ?? [], before.events)
    before.held = { ...before.held, eventsSeq: Math.max(before.held.eventsSeq, oldest) }
    changed(id)
  }

  async function loadOlder(id: string): Promise<void> {
    await fromStorage(id)
    const conversation = device.conversations.get(id)
    if (!conversation) throw deviceError('not_found', 'There is no such conversation')
    if (!isMissing(conversation)) return
    const first = conversation.messages?.[0]?.seq ?? conversation.held.headSeq + 1
    // Where only what happened is missing, these messages come once more with it.
    const before = Math.max(first, conversation.held.eventsSeq)
    conversation.loadingOlder = true
    changed(id)
    try {
      let count = 0
      let page: MessagePage = { items: [] }
      const all = await meanwhile(conversation, async () => {
        page = await api.messages(id, before, PAGE)
        count = page.items.length
        return [...page.items, ...(page.quoted ?? [])]
      })
      if (device.conversations.get(id) !== conversation) return
      void device.keep(takeEvents(device, conversation, page))
      keepQuotes(conversation, all.slice(count))
      join(id, all.slice(0, count))
    } finally {
      conversation.loadingOlder = false
      changed(id)
    }
  }

  /** Older messages come in front, of which what happened among them is in memory already; as many as the window has room for are stored. */
  function join(id: string, items: readonly StoredMessage[]): void {
    const conversation = device.conversations.get(id)!
    const { held } = conversation
    const messages = prepend(conversation.messages ?? [], items, held.headSeq)
    conversation.messages = messages
    const { eventsSeq, facts } = held
    const meets = eventsSeq <= (items.at(-1)?.seq ?? eventsSeq) + 1
    const complete = meets ? Math.min(eventsSeq, completeFrom(items, facts.me.fromSeq)) : eventsSeq
    conversation.held = { ...withWindow(held, messages, device.me.id), eventsSeq: complete }
    for (const { senderId, sender } of items) if (sender) device.people.set(senderId, sender)
    const { firstSeq } = conversation.held
    const fresh = messages.filter(({ seq }) => seq >= firstSeq && seq < held.firstSeq)
    void device.keep([
      ...fresh.map((message): [string, unknown] => [device.messageKey(id, message.seq), message]),
      [device.conversationKey(id), conversation.held],
    ])
    device.recount(id)
  }

  /** The same for all who ask at once. */
  const once = (under: Map<string, Promise<void>>, work: (id: string) => Promise<void>) => (id: string) => {
    const running = under.get(id) ?? work(id).finally(() => under.delete(id))
    under.set(id, running)
    return running
  }

  const loadOlderOnce = once(older, loadOlder)
  return { open: once(opening, openFirst), loadOlder: loadOlderOnce, join }
}

/** What a page says happened among its messages joins what is in memory; gives what is to be kept. */
export function takeEvents(device: Device, conversation: Conversation, { events = [], people = [] }: MessagePage) {
  for (const { id, username } of people) device.people.set(id, username)
  // One has left meanwhile: nothing of it is kept any more.
  if (device.conversations.get(conversation.held.id) !== conversation) return []
  return device.addEvents(
    conversation,
    events.map((event) => withNames(event, device.people)),
  )
}

/** Whether one may see messages older than those that are shown, or what happened among or before them. */
export function hasOlder(conversation: Conversation): boolean {
  const { held, away } = conversation
  return away ? isAfterStart(held, away.messages) : isMissing(conversation)
}

const isMissing = ({ held, messages }: Conversation): boolean =>
  isAfterStart(held, messages) || held.eventsSeq >= held.facts.me.fromSeq

/** For the first look: so many messages, and what happened among them. */
function hasEnough({ held, messages = [] }: Conversation): boolean {
  const newest = messages.at(-ENOUGH)
  return newest !== undefined && held.eventsSeq <= newest.seq
}

function isAfterStart(held: Held, messages: readonly StoredMessage[] | undefined): boolean {
  const first = messages ? (messages[0]?.seq ?? held.headSeq + 1) : held.firstSeq
  return first > held.facts.me.fromSeq
}
