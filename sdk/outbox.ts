import { LIMITS } from '@parley/protocol/limits'
import type { SendReply, SendRequest } from '@parley/protocol/socket'
import { v7 as newId } from 'uuid'
import type { Link } from './connection.ts'
import { asParleyError } from './error.ts'
import type { StoredMessage } from './held.ts'
import type { Changes, Keeper } from './keeper.ts'
import { openLanes } from './lanes.ts'
import { outboxPrefix } from './session.ts'
import type {
  Amendment,
  DeviceStorage,
  MessageAction,
  MessageRef,
  OutboxItem,
  QueuedChange,
  SendExtras,
} from './types.ts'

/** Messages on their way to the server: kept before they are shown, sent in order, never given up without a refusal. */
export interface Outbox {
  load(): Promise<void>
  /** All items, oldest first. The same array until something changes. */
  items(): readonly OutboxItem[]
  add(to: OutboxItem['to'], text: string, extras?: SendExtras): Promise<OutboxItem>
  /** Queues a change of a message, behind everything of its conversation that waits. */
  change(message: MessageRef, action: Amendment): Promise<OutboxItem>
  pin(conversationId: string, seq: number, on: boolean): Promise<OutboxItem>
  retry(id: string): Promise<void>
  discard(id: string): Promise<void>
  /** Sends over this link from now on, from the oldest that has no answer. */
  up(link: Link): void
  /** Messages that entered the conversation, which is now held up to `rev`: those of ours need no sending. Gives what to forget. */
  entered(conversationId: string, rev: number, messages: readonly StoredMessage[]): Changes
  /** The conversation is gone: what was acknowledged there will not be seen again. */
  dropped(conversationId: string): void
  hear(news: OutboxNews): void
  stop(): void
}

/** What the tabs of one browser tell each other. */
export type OutboxNews = { kind: 'outbox'; item: OutboxItem } | { kind: 'outbox.gone'; id: string }

/** One's own messages of which it is remembered where they are, for what is still to be changed in them. */
const PLACES = 500

/** Of items that carry more than a text; and of pins. */
const FORMAT = 1
const PIN_FORMAT = 2

interface Waiting {
  item: OutboxItem
  /** Acknowledged, and not yet in the timeline. */
  reply?: SendReply
}

export function openOutbox({
  userId,
  storage,
  keeper,
  leads,
  target,
  post,
  amend,
  find,
  hooks,
}: {
  userId: string
  storage: DeviceStorage
  keeper: Keeper
  leads: () => boolean
  /** Where order counts: the conversation, as far as known. */
  target(to: OutboxItem['to']): string
  post(news: OutboxNews): void
  /** Sends a change of a message. */
  amend(conversationId: string, seq: number, action: MessageAction, id: string): Promise<SendReply>
  /** The `seq` of a message that is kept on this device. */
  find(conversationId: string, messageId: string): Promise<number | undefined>
  hooks: {
    /** A change is in the log at `reply.rev`. */
    amended(reply: SendReply): void
    acked(reply: SendReply, item: OutboxItem): void
    refused(item: OutboxItem): void
    changed(): void
  }
}): Outbox {
  const waiting = new Map<string, Waiting>()
  const places = new Map<string, number>()
  const key = (id: string): string => outboxPrefix(userId) + id
  let list: readonly OutboxItem[] | undefined
  let link: Link | undefined
  const lanes = openLanes({ window: LIMITS.sendWindow, next: sendable, send, stopped: () => stopped })
  let stopped = false
  let lastOrder = 0

  function sendable(): { id: string; lane: string }[] {
    if (!leads() || !link || link.gone.aborted) return []
    // A change goes another way than messages do, so it waits until all before it in its lane is answered.
    const before = new Set<string>()
    return items()
      .filter((item) => !item.refused && !waiting.get(item.id)?.reply)
      .map((item) => ({ id: item.id, lane: target(item.to), change: item.change }))
      .filter(({ lane, change }) => {
        const free = !change || (seqOf(change) !== undefined && !before.has(lane))
        before.add(lane)
        return free
      })
  }

  function items(): readonly OutboxItem[] {
    list ??= [...waiting.values()].map(({ item }) => item).sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
    return list
  }

  function changed(): void {
    list = undefined
    hooks.changed()
  }

  function add(to: OutboxItem['to'], text: string, { replyTo, forwarded }: SendExtras = {}): Promise<OutboxItem> {
    if (replyTo === undefined && !forwarded) return queue({ to, text })
    const extras = { ...(replyTo !== undefined && { replyTo }), ...(forwarded && { forwarded }) }
    return queue({ to, text, ...extras, format: FORMAT })
  }

  async function change(message: MessageRef, action: Amendment): Promise<OutboxItem> {
    const to = 'to' in message ? message.to : { conversationId: message.conversationId }
    const reply = waiting.get(message.id)?.reply
    const seq = 'seq' in message ? message.seq : reply?.seq
    return queue({ to, text: '', change: { messageId: message.id, action, ...(seq !== undefined && { seq }) } })
  }

  function pin(conversationId: string, seq: number, on: boolean): Promise<OutboxItem> {
    const change = { messageId: '', action: { kind: 'pin', seq, on } } as const
    return queue({ to: { conversationId }, text: '', change, format: PIN_FORMAT })
  }

  async function queue(what: Omit<OutboxItem, 'id' | 'order' | 'queuedAt'>): Promise<OutboxItem> {
    lastOrder = Math.max(lastOrder, items().at(-1)?.order ?? 0) + 1
    const item: OutboxItem = { id: newId(), ...what, order: lastOrder, queuedAt: new Date().toISOString() }
    await keeper.save([[key(item.id), item]])
    put(item)
    post({ kind: 'outbox', item })
    return item
  }

  function put(item: OutboxItem): void {
    waiting.set(item.id, { ...waiting.get(item.id), item })
    // Its message may have got its place while this was being kept, or before another tab knew of it.
    const seq = item.change && places.get(item.change.messageId)
    if (item.change && seq !== undefined) placed(item.change.messageId, seq)
    changed()
    lanes.pump()
  }

  /** One message, once; how it ended, for its lane. */
  async function send(id: string): Promise<{ again: boolean; afterMs?: number; all?: boolean }> {
    const entry = waiting.get(id)
    if (!entry || !link) return { again: false }
    const { item } = entry
    try {
      const reply = await submit(item, link)
      // Its echo may have come first: then it is done.
      if (waiting.get(id) !== entry) return { again: false }
      entry.reply = reply
      if (item.change) hooks.amended(reply)
      else {
        placed(id, reply.seq)
        hooks.acked(reply, item)
      }
      return { again: false }
    } catch (error) {
      const { problem } = asParleyError(error)
      if (problem.retryable) {
        const more = problem.retryAfterMs === undefined ? {} : { afterMs: problem.retryAfterMs }
        return { again: true, all: problem.code === 'rate.limited', ...more }
      }
      if (waiting.get(id) !== entry || stopped) return { again: false }
      // Of the session, and not of what was to be sent: that is kept for the next one, which begins anew.
      if (problem.code === 'auth.invalid' || problem.code === 'auth.expired') return { again: true }
      if (item.change) {
        void keeper.save(remove([id]))
        post({ kind: 'outbox.gone', id })
        hooks.refused({ ...item, refused: problem })
        return { again: false }
      }
      entry.item = { ...item, refused: problem }
      void keeper.save([[key(id), entry.item]])
      changed()
      post({ kind: 'outbox', item: entry.item })
      hooks.refused(entry.item)
      return { again: false }
    }
  }

  function submit({ id, to, text, change, replyTo, forwarded }: OutboxItem, over: Link): Promise<SendReply> {
    const seq = change && seqOf(change)
    if (change && seq !== undefined) return amend(target(to), seq, change.action, id)
    const extras = { ...(replyTo !== undefined && { replyTo }), ...(forwarded && { forwarded }) }
    const request: SendRequest = { id, text, ...to, ...extras }
    return over.call<SendReply>('message.send', request)
  }

  /** A message of ours has its place: what was to be changed in it can be told now. */
  function placed(messageId: string, seq: number): void {
    if (!places.has(messageId) && places.size >= PLACES) places.delete(places.keys().next().value!)
    places.set(messageId, seq)
    for (const entry of waiting.values()) {
      const { change } = entry.item
      if (change?.messageId !== messageId || change.seq !== undefined) continue
      entry.item = { ...entry.item, change: { ...change, seq } }
      void keeper.save([[key(entry.item.id), entry.item]])
      post({ kind: 'outbox', item: entry.item })
      list = undefined
    }
  }

  /** A process may have died before it was kept where a message is that is on its way no more: what was to be changed in it is not to wait for ever. */
  async function replace(): Promise<void> {
    for (const { id, to, change } of items()) {
      if (!change || seqOf(change) !== undefined || waiting.has(change.messageId)) continue
      const seq = await find(target(to), change.messageId)
      if (seq !== undefined) placed(change.messageId, seq)
      else await keeper.save(remove([id]))
    }
  }

  function remove(ids: readonly string[]): Changes {
    const gone = ids.filter((id) => waiting.delete(id))
    if (gone.length > 0) changed()
    return gone.map((id): [string, undefined] => [key(id), undefined])
  }

  return {
    async load() {
      const kept = new Set<string>()
      for (const [, value] of await storage.list(outboxPrefix(userId))) {
        const item = value as OutboxItem
        // Without what this client does not know of it, it would be another message.
        if ((item.format ?? 0) > PIN_FORMAT) continue
        kept.add(item.id)
        waiting.set(item.id, { ...waiting.get(item.id), item })
      }
      // What another tab led to its end meanwhile.
      for (const id of waiting.keys()) if (!kept.has(id)) waiting.delete(id)
      list = undefined
      if (leads()) await replace()
      changed()
      lanes.pump()
    },
    items,
    add,
    change,
    pin,
    async retry(id) {
      const entry = waiting.get(id)
      if (!entry?.item.refused) return
      const { refused: _, ...item } = entry.item
      await keeper.save([[key(id), item]])
      put(item)
      post({ kind: 'outbox', item })
    },
    async discard(id) {
      if (!waiting.get(id)?.item.refused) return
      // What was to be changed in it goes with it.
      const about = items().filter(({ change }) => change?.messageId === id && change.seq === undefined)
      const gone = [id, ...about.map((item) => item.id)]
      await keeper.save(remove(gone))
      for (const each of gone) post({ kind: 'outbox.gone', id: each })
    },
    up(next) {
      link = next
      lanes.reset()
    },
    entered(conversationId, rev, messages) {
      const mine = messages.filter(({ senderId }) => senderId === userId)
      for (const { id, seq, rev, createdAt } of mine) {
        const entry = waiting.get(id)
        if (entry && !entry.reply) hooks.acked({ id, seq, rev, createdAt, conversationId }, entry.item)
        placed(id, seq)
      }
      const seen = [...waiting.values()].filter(
        ({ reply }) => reply?.conversationId === conversationId && reply.rev <= rev,
      )
      const gone = remove([...mine.map(({ id }) => id), ...seen.map(({ item }) => item.id)])
      if (gone.length > 0) lanes.pump()
      return gone
    },
    dropped(conversationId) {
      const lost = [...waiting.values()].filter(({ reply }) => reply?.conversationId === conversationId)
      void keeper.save(remove(lost.map(({ item }) => item.id)))
    },
    hear(news) {
      if (news.kind === 'outbox') put(news.item)
      else remove([news.id])
    },
    stop() {
      stopped = true
      lanes.stop()
    },
  }
}

const seqOf = ({ seq, action }: QueuedChange): number | undefined => (action.kind === 'pin' ? action.seq : seq)
