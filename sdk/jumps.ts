import type { MessagePage } from '@parley/protocol/conversation'
import type { Api } from './api.ts'
import { meets, withNewer, withOlder } from './away.ts'
import type { Conversation, Device } from './device.ts'
import { deviceError } from './error.ts'
import type { StoredMessage } from './held.ts'
import { type Pages, takeEvents } from './pages.ts'
import { keepQuotes } from './quotes.ts'
import { meanwhile } from './timeline.ts'
import type { JumpTarget } from './types.ts'

/** Goes to any place of a conversation, and on from there in both directions, while what is new goes on arriving at its end. */
export interface Jumps {
  /**
   * Shows the messages around that place; gives the `seq` of the message there (or of the nearest, undefined when there is none, or
   * another jump came after this one).
   */
  jump(conversationId: string, to: JumpTarget): Promise<number | undefined>
  loadOlder(conversationId: string): Promise<void>
  /** Nothing where one is at the end. */
  loadNewer(conversationId: string): Promise<void>
  /** Back to the newest messages. */
  toLatest(conversationId: string): void
}

const PAGE = 50

export function openJumps(
  device: Device,
  pages: Pages,
  api: Pick<Api, 'around' | 'at' | 'messages' | 'newer'>,
  changed: (conversationId: string) => void,
): Jumps {
  /** The latest jump of each conversation: an earlier one that comes back later is of no more interest. */
  const latest = new WeakMap<Conversation, object>()
  const underWay = new Map<string, Promise<void>>()

  function conversationOf(id: string): Conversation {
    const conversation = device.conversations.get(id)
    if (!conversation) throw deviceError('not_found', 'There is no such conversation')
    return conversation
  }

  async function jump(id: string, to: JumpTarget): Promise<number | undefined> {
    await pages.open(id)
    const conversation = conversationOf(id)
    const mine = {}
    latest.set(conversation, mine)
    if ('seq' in to && holds(conversation.messages, to.seq)) {
      leave(conversation)
      return to.seq
    }
    if ('seq' in to && holds(conversation.away?.messages, to.seq)) return to.seq
    const items = await fetched(conversation, () =>
      'seq' in to ? api.around(id, to.seq, PAGE) : api.at(id, to.at, PAGE),
    )
    if (device.conversations.get(id) !== conversation || latest.get(conversation) !== mine) return undefined
    conversation.away = { messages: items }
    join(conversation)
    changed(id)
    return nearest(items, to)
  }

  /** Where the two meet, what was away is a part of the live range. */
  function join(conversation: Conversation): void {
    const { away, messages, held } = conversation
    if (!away || !meets(away, messages?.[0]?.seq ?? held.headSeq + 1)) return
    delete conversation.away
    pages.join(held.id, away.messages)
  }

  function leave(conversation: Conversation): void {
    if (!conversation.away) return
    delete conversation.away
    conversation.loadingNewer = false
    changed(conversation.held.id)
  }

  async function fetched(
    conversation: Conversation,
    fetch: () => Promise<MessagePage>,
  ): Promise<readonly StoredMessage[]> {
    let count = 0
    const all = await meanwhile(conversation, async () => {
      const page = await fetch()
      const { items, quoted = [] } = page
      count = items.length
      void device.keep(takeEvents(device, conversation, page))
      return [...items, ...quoted]
    })
    for (const { senderId, sender } of all) if (sender) device.people.set(senderId, sender)
    keepQuotes(conversation, all.slice(count))
    return all.slice(0, count)
  }

  async function loadNewer(id: string): Promise<void> {
    const conversation = conversationOf(id)
    const { away } = conversation
    if (!away) return
    conversation.loadingNewer = true
    changed(id)
    try {
      const page = await fetched(conversation, () => api.newer(id, away.messages.at(-1)?.seq ?? 0, PAGE))
      if (conversation.away) conversation.away = withNewer(conversation.away, page)
      join(conversation)
    } finally {
      conversation.loadingNewer = false
      changed(id)
    }
  }

  async function loadOlder(id: string): Promise<void> {
    const conversation = conversationOf(id)
    const first = conversation.away?.messages[0]?.seq
    if (first === undefined) return pages.loadOlder(id)
    if (first <= conversation.held.facts.me.fromSeq) return
    conversation.loadingOlder = true
    changed(id)
    try {
      const page = await fetched(conversation, () => api.messages(id, first, PAGE))
      if (conversation.away) conversation.away = withOlder(conversation.away, page)
    } finally {
      conversation.loadingOlder = false
      changed(id)
    }
  }

  /** The same for all who ask at once. */
  const once = (way: string, work: (id: string) => Promise<void>) => (id: string) => {
    const key = `${way} ${id}`
    const running = underWay.get(key) ?? work(id).finally(() => underWay.delete(key))
    underWay.set(key, running)
    return running
  }

  return {
    jump,
    loadOlder: once('older', loadOlder),
    loadNewer: once('newer', loadNewer),
    toLatest(id) {
      const conversation = device.conversations.get(id)
      if (!conversation) return
      latest.set(conversation, {})
      leave(conversation)
    },
  }
}

/** Messages are dense: whether one is among them is read from the ends. */
function holds(messages: readonly StoredMessage[] | undefined, seq: number): boolean {
  const first = messages?.[0]
  return first !== undefined && seq >= first.seq && seq <= messages!.at(-1)!.seq
}

function nearest(items: readonly StoredMessage[], to: JumpTarget): number | undefined {
  const found =
    'seq' in to
      ? items.find(({ seq }) => seq >= to.seq)
      : items.find(({ createdAt }) => Date.parse(createdAt) >= Date.parse(to.at))
  return (found ?? items.at(-1))?.seq
}
