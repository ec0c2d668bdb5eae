import type { MessageEntry } from '@parley/protocol/conversation'
import { writable } from '@parley/sdk/store'
import type { ParleyClient, Readable, TimelineView } from '@parley/sdk/types'
import { type Row, rows } from './rows.ts'
import { type UnreadLineEvent, unreadLine } from './unread-line.ts'

/** The line "new messages" is looked for in at most so many older pages when a conversation is opened. */
const PAGES_TO_LINE = 4
/** A message is looked for in so many. */
const PAGES_TO_REACH = 10

/** An open conversation, ready to be drawn. */
export interface PaneView {
  phase: 'loading' | 'ready' | 'failed'
  rows: readonly Row[]
  hasOlder: boolean
  loadingOlder: boolean
  olderFailed: boolean
  typing: readonly string[]
}

/** What the chat shows of one conversation while it is open, and what it tells the client of the reader. */
export interface Pane extends Readable<PaneView> {
  /** Loads what is needed to show it; again after a failure. */
  open(): Promise<void>
  /** One older page, unless one is on its way. */
  loadOlder(): Promise<void>
  /** What is in sight now: everything up to `seq`, the newest row or not, and whether the reader attends (visible and focused). */
  inSight(sight: { seq: number | undefined; atEnd: boolean; attentive: boolean }): void
  /** Loads what lies between until the message with that `seq` is among the rows; false when it is too far. */
  reach(seq: number): Promise<boolean>
  /** Keeps the message for sending; rejects when this device cannot keep it. */
  send(text: string, replyTo?: number): Promise<void>
  close(): void
}

/** Opens a pane on a conversation of the list. */
export function openPane(client: ParleyClient, conversationId: string, me: { id: string; username: string }): Pane {
  const timeline = client.timeline(conversationId)
  const conversation = () => client.conversations.get().find((one) => one.id === conversationId)
  let phase: PaneView['phase'] = 'loading'
  let olderFailed = false
  let unreadAfter: number | undefined
  let head: number | undefined
  let looking = false

  const draw = (): PaneView => {
    const { hasOlder, loadingOlder, typing, ...view } = timeline.get()
    return {
      phase,
      rows: rows({ ...view, hasOlder, loadingOlder, typing }, me, unreadAfter),
      hasOlder,
      loadingOlder,
      olderFailed,
      typing,
    }
  }
  const shown = writable<PaneView>(draw())
  const moveLine = (event: UnreadLineEvent) => {
    unreadAfter = unreadLine(unreadAfter, event)
  }
  let stop: (() => void) | undefined
  const changed = () => {
    const view = timeline.get()
    const arrived = head === undefined ? [] : newerThan(view, head)
    if (arrived.some((message) => message.senderId === me.id)) moveLine({ type: 'sent' })
    else if (arrived.length > 0 && head !== undefined)
      moveLine({ type: 'arrived', readSeq: conversation()?.me.readSeq ?? 0, headBefore: head, seen: looking })
    if (head !== undefined) head = view.messages.at(-1)?.seq ?? head
    shown.set(draw())
  }

  return {
    get: shown.get,
    subscribe: shown.subscribe,
    close() {
      stop?.()
      stop = undefined
    },
    async open() {
      stop ??= timeline.subscribe(changed)
      phase = 'loading'
      shown.set(draw())
      try {
        await timeline.open()
        const marks = conversation()?.me
        moveLine({ type: 'opened', readSeq: marks?.readSeq ?? 0, unread: marks?.unread ?? 0 })
        for (let page = 0; page < PAGES_TO_LINE && lineIsOlder(timeline.get(), unreadAfter); page++)
          await timeline.loadOlder()
        head = timeline.get().messages.at(-1)?.seq ?? 0
        phase = 'ready'
      } catch {
        phase = 'failed'
      }
      shown.set(draw())
    },
    async loadOlder() {
      const { hasOlder, loadingOlder } = timeline.get()
      if (!hasOlder || loadingOlder) return
      olderFailed = false
      try {
        await timeline.loadOlder()
      } catch {
        olderFailed = true
        shown.set(draw())
      }
    },
    inSight({ seq, atEnd, attentive }) {
      looking = atEnd && attentive
      if (attentive && seq !== undefined && seq > (conversation()?.me.readSeq ?? 0))
        client.markRead(conversationId, seq)
    },
    async reach(seq) {
      const there = () => timeline.get().messages.some((message) => message.seq === seq)
      for (let page = 0; page < PAGES_TO_REACH && !there() && timeline.get().hasOlder; page++)
        await timeline.loadOlder().catch(() => undefined)
      return there()
    },
    async send(text, replyTo) {
      moveLine({ type: 'sent' })
      await client.send({ conversationId }, text, replyTo === undefined ? {} : { replyTo })
    },
  }
}

function newerThan(view: TimelineView, seq: number): readonly MessageEntry[] {
  return view.messages.filter((message) => message.seq > seq)
}

function lineIsOlder(view: TimelineView, unreadAfter: number | undefined): boolean {
  const first = view.messages[0]
  return unreadAfter !== undefined && view.hasOlder && first !== undefined && first.seq > unreadAfter + 1
}
