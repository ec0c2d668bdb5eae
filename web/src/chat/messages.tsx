import type { ConversationView } from '@parley/sdk/types'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { useApp, useMe, useReadable, useTitles } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Notice } from '../parts/notice.tsx'
import { badge } from '../state/badge.ts'
import type { Pane, PaneView } from '../state/pane.ts'
import { explain } from '../state/problems.ts'
import { grewAtStart, lastSeq, type Row } from '../state/rows.ts'
import { strings } from '../strings.ts'
import { ChatProvider } from './chat-context.ts'
import { EventRow } from './event-row.tsx'
import { MessageRow } from './message.tsx'
import styles from './messages.module.css'
import { PinnedBar } from './pinned-bar.tsx'
import { useNames } from './use-names.ts'
import { useTabStop } from './use-tab-stop.ts'

/** Height of what stands above the oldest row: loading, or that there is no more. */
const TOP = 48
/** This close to the end one is at the end, and stays there when more comes. */
const END = 40
/** From here on older messages are fetched, before one runs into the top. */
const OLDER = 600
const FOUND_MS = 3_000

/** The messages, oldest at the top; keeps its place when older ones come in above, and its end when new ones come in below. */
export function Messages({
  pane,
  view,
  conversation,
  onEdit,
  onReply,
  onForward,
}: {
  pane: Pane
  view: PaneView
  conversation: ConversationView
  onEdit: (row: Row) => void
  onReply: (row: Row) => void
  onForward: (row: Row) => void
}) {
  const { client, see, page } = useApp()
  const me = useMe()
  const attentive = useReadable(page.attention)
  const box = useRef<HTMLDivElement>(null)
  const list = useRef<VirtualizerHandle>(null)
  const before = useRef<readonly Row[]>([])
  const stick = useRef(true)
  const placed = useRef(false)
  const [atEnd, setAtEnd] = useState(true)
  const { rows, phase, target } = view
  const walk = useTabStop(box, rows, onReply)
  const { stopAt } = walk
  const shownTarget = useRef<PaneView['target']>(undefined)
  const [unreadAbove, setUnreadAbove] = useState(false)
  const found = useFound(target)

  // Not by the list's own way, which goes on for a while and would take one back who scrolls up meanwhile.
  const toEnd = useCallback((): void => {
    stick.current = true
    box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [])

  /** Looks where one is: what is being read, whether more is needed above, whether one is at the end. */
  const look = useCallback(() => {
    const place = list.current
    // Nothing is known of what is in sight before it was measured.
    if (!place || !placed.current || place.viewportSize === 0) return
    const end = place.scrollOffset + place.viewportSize
    const reached = end >= place.scrollSize - END && !view.hasNewer
    setAtEnd(reached)
    const line = rows.findIndex((row) => row.firstUnread)
    setUnreadAbove(view.unreadFrom !== undefined || (line >= 0 && place.getItemOffset(line) < place.scrollOffset - TOP))
    see(authorsIn(rows, place))
    const seen = reached ? rows.length : rowsAbove(place, end, rows.length)
    pane.inSight({ seq: lastSeq(rows, seen), atEnd: reached, attentive })
    if (place.scrollOffset < OLDER && view.hasOlder && !view.olderFailed) void pane.loadOlder()
    if (end > place.scrollSize - OLDER && view.hasNewer && !view.newerFailed) void pane.loadNewer()
  }, [pane, see, rows, attentive, view.hasOlder, view.olderFailed, view.hasNewer, view.newerFailed, view.unreadFrom])

  useLayoutEffect(() => {
    const last = rows.at(-1)
    const sentNow = last?.mine && last.seq === undefined && last.id !== before.current.at(-1)?.id
    before.current = rows
    if (phase !== 'ready' || rows.length === 0) return
    if (placed.current) {
      const at = target && target !== shownTarget.current ? rows.findIndex((row) => row.seq === target.seq) : -1
      if (at >= 0) {
        shownTarget.current = target
        stick.current = false
        list.current?.scrollToIndex(at, { align: 'center' })
        stopAt(rows[at]!.id)
      } else if ((stick.current || sentNow) && !view.hasNewer) toEnd()
      return
    }
    placed.current = true
    const unread = rows.findIndex((row) => row.firstUnread)
    if (unread < 0) toEnd()
    else {
      stick.current = false
      list.current?.scrollToIndex(unread, { align: 'start' })
    }
  }, [rows, phase, toEnd, target, stopAt, view.hasNewer])

  // What came into view without any scrolling, or while one was away, is looked at once it has been laid out.
  useEffect(() => {
    const frame = requestAnimationFrame(look)
    return () => cancelAnimationFrame(frame)
  }, [look])

  const scrolled = () => {
    const place = list.current
    if (place && placed.current)
      stick.current = !view.hasNewer && place.scrollOffset + place.viewportSize >= place.scrollSize - END
    look()
  }

  /** It was measured, for the first time or anew: what is in sight may be more than one could tell before, without any scrolling. */
  const resized = () => {
    if (stick.current && placed.current) toEnd()
    requestAnimationFrame(look)
  }

  const jumpTo = useCallback((seq: number) => void pane.jump({ seq }), [pane])
  const nextMention = () => {
    const after = Math.max(conversation.me.readSeq, target?.seq ?? 0)
    client
      .mentions(conversation.id, after)
      .then(([next]) => (next === undefined ? toEnd() : jumpTo(next)))
      .catch(reportError)
  }
  const named = rows.some((row) => row.mentions !== undefined)
  const members = useNames(conversation, named)
  const title = useTitles()(conversation)
  const chat = useMemo(
    () => ({
      meId: me.id,
      nameOf: (userId: string) =>
        userId === me.id ? me.username : members.find((member) => member.userId === userId)?.username,
      reply: onReply,
      forward: onForward,
      jumpTo,
    }),
    [me.id, me.username, members, onReply, onForward, jumpTo],
  )

  const unread = badge(conversation.me.unread)
  return (
    <div className={styles.place}>
      <PinnedBar conversation={conversation} jumpTo={(seq) => void jumpTo(seq)} />
      <div
        ref={box}
        className={styles.scroll}
        role="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-live="off"
        aria-label={strings.chat.messages(title)}
        onFocus={walk.focused}
        onKeyDownCapture={walk.pressed}
      >
        <div className={styles.spacer} />
        <div className={styles.top}>
          {view.olderFailed ? (
            <Button look="quiet" onClick={() => void pane.loadOlder()}>
              {strings.chat.olderFailed} {strings.retry}
            </Button>
          ) : view.hasOlder ? (
            strings.chat.loadingOlder
          ) : (
            rows.length > 0 && strings.chat.beginning
          )}
        </div>
        <Virtualizer
          ref={list}
          data={rows}
          startMargin={TOP}
          itemSize={56}
          keepMounted={walk.at < 0 ? undefined : [walk.at]}
          shift={grewAtStart(before.current, rows)}
          onScroll={scrolled}
          onResize={resized}
        >
          {(row, i) =>
            row.lines ? (
              <EventRow key={row.id} row={row} lines={row.lines} />
            ) : (
              <ChatProvider key={row.id} value={chat}>
                <MessageRow
                  row={row}
                  conversation={conversation}
                  tabStop={i === walk.at}
                  ledTo={row.seq !== undefined && row.seq === found}
                  onEdit={onEdit}
                />
              </ChatProvider>
            )
          }
        </Virtualizer>
        {view.hasNewer && (
          <div className={styles.top}>
            {view.newerFailed ? (
              <Button look="quiet" onClick={() => void pane.loadNewer()}>
                {strings.chat.newerFailed} {strings.retry}
              </Button>
            ) : (
              strings.chat.loadingNewer
            )}
          </div>
        )}
        {rows.length === 0 && phase === 'ready' && <Notice title={strings.chat.empty} />}
      </div>
      <div className={styles.above} role="status">
        {view.jumping && strings.chat.jumping}
        {view.jumpFailed !== undefined && explain(view.jumpFailed)}
      </div>
      {unreadAbove && unread && (
        <button type="button" className={styles.first} onClick={() => void pane.jump({ seq: firstUnreadOf(view) })}>
          <Icon name="up" /> {strings.chat.firstUnread(unread)}
        </button>
      )}
      {view.canGoBack && (
        <button type="button" className={styles.back} onClick={() => void pane.goBack()}>
          <Icon name="back" /> {strings.chat.goBack}
        </button>
      )}
      {!atEnd && conversation.me.mentions > 0 && (
        <button
          type="button"
          className={styles.mention}
          aria-label={strings.chat.nextMention(conversation.me.mentions)}
          title={strings.chat.nextMention(conversation.me.mentions)}
          onClick={nextMention}
        >
          <Icon name="at" />
        </button>
      )}
      {!atEnd && (
        <button
          type="button"
          className={styles.latest}
          aria-label={unread ? strings.chat.latestUnread(unread) : strings.chat.latest}
          title={strings.chat.latest}
          onClick={() => {
            stick.current = true
            pane.toLatest()
            toEnd()
          }}
        >
          <Icon name="down" />
          {unread && <span className={styles.count}>{unread}</span>}
        </button>
      )}
    </div>
  )
}

/** The message that was jumped to stands out for a moment. */
function useFound(target: PaneView['target']): number | undefined {
  const [over, setOver] = useState<PaneView['target']>()
  useEffect(() => {
    if (!target) return
    const timer = setTimeout(() => setOver(target), FOUND_MS)
    return () => clearTimeout(timer)
  }, [target])
  return target === over ? undefined : target?.seq
}

/** Where the line "new messages" is, or will be when one comes there. */
const firstUnreadOf = ({ rows, unreadFrom = 0 }: PaneView): number =>
  rows.find((row) => row.firstUnread)?.seq ?? unreadFrom

/** Who has written what is in sight of a group. */
function authorsIn(rows: readonly Row[], place: VirtualizerHandle): string[] {
  const [from, to] = [place.scrollOffset, place.scrollOffset + place.viewportSize].map((at) => place.findItemIndex(at))
  return rows.slice(from, (to ?? 0) + 1).flatMap(({ senderId }) => senderId || [])
}

/** How many rows end above `end`; a row taller than the window counts once its own end is reached. */
function rowsAbove(place: VirtualizerHandle, end: number, count: number): number {
  const index = Math.min(place.findItemIndex(end), count - 1)
  const bottom = TOP + place.getItemOffset(index) + place.getItemSize(index)
  return bottom <= end + 1 ? index + 1 : index
}
