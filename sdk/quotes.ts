import type { Api } from './api.ts'
import type { Conversation, Device } from './device.ts'
import type { StoredMessage } from './held.ts'
import { meanwhile } from './timeline.ts'

/**
 * What messages answer. An answer has only the place of it, so that edits and deletions show at once, and nobody sees what was said
 * before they came. It is looked for among what this device holds, and else fetched.
 */
export interface Quotes {
  /** As it is now; `loading` while it is fetched, and offline; `unseen` where there is none that one may see. */
  find(conversation: Conversation, seq: number): StoredMessage | 'loading' | 'unseen'
  /** Connected again: what could not be fetched is, when it is looked for again. */
  up(): void
}

/** As many are asked for at once, and as many are kept for one conversation beside its messages. */
const AT_ONCE = 50
const KEPT = 500

/** `changed` is told when something that was `loading` is there. */
export function openQuotes(device: Device, api: Pick<Api, 'pick'>, changed: (conversationId: string) => void): Quotes {
  const wanted = new Map<Conversation, Set<number>>()
  /** Asked for; what failed stays here until there is a connection again. */
  let asked = new WeakMap<Conversation, Set<number>>()
  let scheduled = false

  function want(conversation: Conversation, seq: number): void {
    const before = asked.get(conversation) ?? new Set()
    if (before.has(seq)) return
    asked.set(conversation, before.add(seq))
    wanted.set(conversation, (wanted.get(conversation) ?? new Set()).add(seq))
    if (scheduled) return
    scheduled = true
    // What one view wants goes together.
    queueMicrotask(() => {
      scheduled = false
      for (const [each, seqs] of wanted) void fetch(each, [...seqs])
      wanted.clear()
    })
  }

  async function fetch(conversation: Conversation, seqs: readonly number[]): Promise<void> {
    const { id } = conversation.held
    for (let at = 0; at < seqs.length; at += AT_ONCE) {
      const some = seqs.slice(at, at + AT_ONCE)
      try {
        const found = await meanwhile(conversation, () => api.pick(id, some))
        keepQuotes(conversation, found)
        const there = new Set(found.map(({ seq }) => seq))
        for (const seq of some) if (!there.has(seq)) conversation.quoted.set(seq, null)
        for (const seq of some) asked.get(conversation)?.delete(seq)
      } catch {
        // Offline: `up` lets it be asked for again.
        return
      }
      if (device.conversations.get(id) === conversation) changed(id)
    }
  }

  return {
    find(conversation, seq) {
      const { held, away, quoted } = conversation
      if (seq < held.facts.me.fromSeq) return 'unseen'
      const inMemory = among(conversation.messages, seq) ?? among(away?.messages, seq)
      if (inMemory) return inMemory
      const kept = quoted.get(seq)
      if (kept === undefined) want(conversation, seq)
      return kept === null ? 'unseen' : (kept ?? 'loading')
    },
    up() {
      asked = new WeakMap()
    },
  }
}

/** Messages are dense, so that the place of one follows from the first. */
const among = (messages: readonly StoredMessage[] = [], seq: number): StoredMessage | undefined =>
  messages[seq - (messages[0]?.seq ?? 0)]

/** Keeps what was fetched beside the messages of a conversation. What it quotes itself is not followed. */
export function keepQuotes(conversation: Conversation, messages: readonly StoredMessage[]): void {
  const { quoted } = conversation
  for (const message of messages) {
    quoted.delete(message.seq)
    quoted.set(message.seq, message)
  }
  for (const seq of quoted.keys()) {
    if (quoted.size <= KEPT) break
    quoted.delete(seq)
  }
}
