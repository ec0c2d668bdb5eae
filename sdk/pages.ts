import type { Api } from './api.ts'
import type { Conversation, Device } from './device.ts'
import { asParleyError, deviceError } from './error.ts'
import { type Held, type StoredMessage, withWindow } from './held.ts'
import type { Keeper } from './keeper.ts'
import { keepQuotes } from './quotes.ts'
import { denseSuffix, meanwhile, prepend } from './timeline.ts'
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
    if ((conversation.messages?.length ?? 0) >= ENOUGH || !isAfterStart(conversation.held, conversation.messages))
      return
    await loadOlder(id).catch((error) => {
      const { problem } = asParleyError(error)
      if (!problem.retryable || !device.conversations.get(id)?.messages?.length) throw error
    })
  }

  async function fromStorage(id: string): Promise<void> {
    const before = device.conversations.get(id)
    if (!before || before.messages) return
    // From here on what arrives is added; what is stored then joins it in front.
    before.messages = []
    const stored = await meanwhile(before, async () => {
      const { rev } = before.held
      await keeper.flush()
      // Where the tab that keeps has heard less than this one, what is stored lacks changes that will not come again.
      const kept = (await storage.get(device.conversationKey(id))) as Held | undefined
      if (!kept || kept.rev < rev) return []
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
    changed(id)
  }

  async function loadOlder(id: string): Promise<void> {
    await fromStorage(id)
    const conversation = device.conversations.get(id)
    if (!conversation) throw deviceError('not_found', 'There is no such conversation')
    if (!isAfterStart(conversation.held, conversation.messages)) return
    const first = conversation.messages?.[0]?.seq ?? conversation.held.headSeq + 1
    conversation.loadingOlder = true
    changed(id)
    try {
      let count = 0
      const all = await meanwhile(conversation, async () => {
        const { items, quoted = [] } = await api.messages(id, first, PAGE)
        count = items.length
        return [...items, ...quoted]
      })
      if (device.conversations.get(id) !== conversation) return
      keepQuotes(conversation, all.slice(count))
      join(id, all.slice(0, count))
    } finally {
      conversation.loadingOlder = false
      changed(id)
    }
  }

  /** Older messages come in front; as many as the window has room for are stored. */
  function join(id: string, items: readonly StoredMessage[]): void {
    const conversation = device.conversations.get(id)!
    const { held } = conversation
    const messages = prepend(conversation.messages ?? [], items, held.headSeq)
    conversation.messages = messages
    conversation.held = withWindow(held, messages, device.me.id)
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

/** Whether one may see messages older than those that are shown. */
export function hasOlder({ held, messages, away }: Conversation): boolean {
  const shown = away?.messages ?? messages
  return isAfterStart(held, shown)
}

function isAfterStart(held: Held, messages: readonly StoredMessage[] | undefined): boolean {
  const first = messages ? (messages[0]?.seq ?? held.headSeq + 1) : held.firstSeq
  return first > held.facts.me.fromSeq
}
