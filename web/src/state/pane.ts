import type { MessageEntry } from '@parley/protocol/conversation'
import { writable } from '@parley/sdk/store'
import type { JumpTarget, ParleyClient, Quote, Readable, TimelineView } from '@parley/sdk/types'
import { type Row, rows } from './rows.ts'
import { type UnreadLineEvent, unreadLine } from './unread-line.ts'

/** An open conversation, ready to be drawn. */
export interface PaneView {
  phase: 'loading' | 'ready' | 'failed'
  rows: readonly Row[]
  hasOlder: boolean
  loadingOlder: boolean
  olderFailed: boolean
  /** One has jumped away from the newest messages. */
  hasNewer: boolean
  newerFailed: boolean
  /** The message that one jumped to last; another object for each jump. */
  target: { readonly seq: number } | undefined
  /** A jump is on its way; or it has failed, for that reason. */
  jumping: boolean
  jumpFailed: unknown
  /** One jumped from somewhere in this conversation, and may go back there. */
  canGoBack: boolean
  /** Where unread messages began when one looked last, while that is not among `rows`. */
  unreadFrom: number | undefined
  /** What one has begun to answer; nothing where that was deleted or may not be seen. */
  answering: { readonly seq: number; readonly message: Exclude<Quote, 'hidden' | 'unseen'> } | undefined
  typing: readonly string[]
}

/** What the chat shows of one conversation while it is open, and what it tells the client of the reader. */
export interface Pane extends Readable<PaneView> {
  /** Loads what is needed to show it; again after a failure. */
  open(): Promise<void>
  /** One older page, unless one is on its way. */
  loadOlder(): Promise<void>
  loadNewer(): Promise<void>
  /** Goes to a message or a time. */
  jump(to: JumpTarget): Promise<void>
  /** Back to where one was before the last jump. */
  goBack(): Promise<void>
  toLatest(): void
  /** What is in sight now: everything up to `seq`, the newest row or not, and whether the reader attends (visible and focused). */
  inSight(sight: { seq: number | undefined; atEnd: boolean; attentive: boolean }): void
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
  let newerFailed = false
  let target: PaneView['target']
  let jumping = false
  let jumpFailed: unknown
  /** Where one was before the last jump, and is now. */
  let back: number | undefined
  let place: number | undefined
  let opened: Promise<void> | undefined
  let unreadAfter: number | undefined
  let head: number | undefined
  let looking = false

  const draw = (): PaneView => {
    const { hasOlder, loadingOlder, typing, ...view } = timeline.get()
    return {
      phase,
      rows: rows(
        { ...view, hasOlder, loadingOlder, typing },
        me,
        lineIsOlder(timeline.get(), unreadAfter) ? undefined : unreadAfter,
      ),
      hasOlder,
      loadingOlder,
      olderFailed,
      hasNewer: view.hasNewer,
      newerFailed,
      target,
      jumping,
      jumpFailed,
      canGoBack: back !== undefined,
      unreadFrom: lineIsOlder(timeline.get(), unreadAfter) ? unreadAfter! + 1 : undefined,
      answering: answeringIn(timeline.get()),
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
    // Where one has jumped to nothing arrives: what is new stands at the end.
    const arrived = head === undefined || view.hasNewer ? [] : newerThan(view, head)
    if (arrived.some((message) => message.senderId === me.id)) moveLine({ type: 'sent' })
    else if (arrived.length > 0 && head !== undefined)
      moveLine({ type: 'arrived', readSeq: conversation()?.me.readSeq ?? 0, headBefore: head, seen: looking })
    if (head !== undefined && !view.hasNewer) head = view.messages.at(-1)?.seq ?? head
    shown.set(draw())
  }

  async function open(): Promise<void> {
    stop ??= timeline.subscribe(changed)
    phase = 'loading'
    // One may have left the conversation while one was elsewhere in it.
    timeline.toLatest()
    shown.set(draw())
    try {
      await timeline.open()
      const marks = conversation()?.me
      moveLine({ type: 'opened', readSeq: marks?.readSeq ?? 0, unread: marks?.unread ?? 0 })
      head = timeline.get().messages.at(-1)?.seq ?? 0
      // Far more came than is here: one begins to read where one left off. Offline the newest have to do.
      if (lineIsOlder(timeline.get(), unreadAfter) && !jumping)
        await timeline.jump({ seq: unreadAfter! + 1 }).catch(() => undefined)
      phase = 'ready'
    } catch {
      phase = 'failed'
    }
    shown.set(draw())
  }

  async function jump(to: JumpTarget, from: number | undefined): Promise<void> {
    jumping = true
    jumpFailed = undefined
    shown.set(draw())
    try {
      await opened
      const seq = await timeline.jump(to)
      if (seq === undefined) return
      target = { seq }
      back = from === seq ? undefined : from
    } catch (error) {
      jumpFailed = error
    } finally {
      jumping = false
      newerFailed = false
      shown.set(draw())
    }
  }

  return {
    get: shown.get,
    subscribe: shown.subscribe,
    close() {
      stop?.()
      stop = undefined
    },
    open() {
      opened = open()
      return opened
    },
    async loadNewer() {
      const { hasNewer, loadingNewer } = timeline.get()
      if (!hasNewer || loadingNewer) return
      newerFailed = false
      try {
        await timeline.loadNewer()
      } catch {
        newerFailed = true
        shown.set(draw())
      }
    },
    jump: (to) => jump(to, place),
    async goBack() {
      if (back !== undefined) await jump({ seq: back }, undefined)
    },
    toLatest() {
      back = undefined
      target = undefined
      timeline.toLatest()
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
      // What is in sight on the way to somewhere else is not read.
      if (jumping) return
      place = seq
      const readSeq = conversation()?.me.readSeq ?? 0
      // What lies between, and was jumped over, is not read.
      const first = timeline.get().messages[0]?.seq ?? 0
      const jumpedOver = timeline.get().hasNewer && first > readSeq + 1
      if (attentive && seq !== undefined && seq > readSeq && !jumpedOver) client.markRead(conversationId, seq)
    },
    async send(text, replyTo) {
      moveLine({ type: 'sent' })
      timeline.toLatest()
      await client.send({ conversationId }, text, replyTo === undefined ? {} : { replyTo })
    },
  }
}

function newerThan(view: TimelineView, seq: number): readonly MessageEntry[] {
  return view.messages.filter((message) => message.seq > seq)
}

function answeringIn({ answering }: TimelineView): PaneView['answering'] {
  if (!answering) return undefined
  const { seq, message } = answering
  if (message === 'unseen' || message === 'hidden') return undefined
  return typeof message === 'object' && message.deleted ? undefined : { seq, message }
}

function lineIsOlder(view: TimelineView, unreadAfter: number | undefined): boolean {
  const first = view.messages[0]
  return unreadAfter !== undefined && view.hasOlder && first !== undefined && first.seq > unreadAfter + 1
}
