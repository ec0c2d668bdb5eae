import { colourOf } from '@parley/protocol/profile'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp, useNames, usePerson } from '../app-context.tsx'
import { ProfileDialog } from '../dialogs/profile.tsx'
import { Button } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { Ticks } from '../parts/ticks.tsx'
import type { Row } from '../state/rows.ts'
import { clockTime, dayLabel, fullTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useChat } from './chat-context.ts'
import styles from './message.module.css'
import { MessageMenu } from './message-menu.tsx'
import { MessageText } from './message-text.tsx'
import { QuoteBlock } from './quote.tsx'
import { Reactions } from './reactions.tsx'
import { type Point, useLongPress } from './use-long-press.ts'
import { useSwipe } from './use-swipe.ts'

/** One message, with the lines that stand above it, and what one can do with it. */
export function MessageRow({
  row,
  conversation,
  tabStop,
  ledTo,
  onEdit,
}: {
  row: Row
  conversation: ConversationView
  /** The tabulator stops at this one. */
  tabStop: boolean
  /** One was led here. */
  ledTo: boolean
  onEdit: (row: Row) => void
}) {
  const [open, setOpen] = useState(false)
  const [finger, setFinger] = useState<Point>()
  const show = (next: boolean, at?: Point) => {
    setOpen(next)
    if (next) setFinger(at)
  }
  const { reply } = useChat()
  const names = useNames()
  const press = useSwipe(
    () => {
      if (row.seq !== undefined && !row.deleted) reply(row)
    },
    useLongPress((at) => show(true, at)),
  )
  const named = conversation.kind === 'group' && !row.mine && row.first
  const tabIndex = tabStop ? 0 : -1
  return (
    <div
      className={styles.row}
      data-mine={row.mine || undefined}
      data-first={row.first || undefined}
      data-last={row.last || undefined}
      data-message={row.id}
      data-seq={row.seq}
      data-names-me={row.namesMe}
      data-led-to={ledTo || undefined}
      data-status={row.mine ? row.status : undefined}
    >
      {row.newDay && <h3 className={styles.day}>{dayLabel(row.at, new Date())}</h3>}
      {row.firstUnread && <p className={styles.unread}>{strings.chat.unreadBelow}</p>}
      <article
        className={styles.bubble}
        aria-label={row.mine ? strings.message.mine : names(row.senderId, row.sender)}
        {...press}
      >
        {named && <Sender id={row.senderId} username={row.sender} tabIndex={tabIndex} />}
        {row.forwarded && (
          <p className={styles.forwarded}>
            <Icon name="forward" size={14} /> {strings.message.forwarded}
          </p>
        )}
        <QuoteBlock row={row} tabIndex={tabIndex} />
        {row.deleted ? (
          <p className={styles.deleted} dir="auto">
            {goneText(row)}
          </p>
        ) : (
          <MessageText text={row.text} mentions={row.mentions} mentionsAll={row.mentionsAll} />
        )}
        <Reactions row={row} conversation={conversation} tabIndex={tabIndex} />
        <span className={styles.meta}>
          {row.edited && <span>{strings.message.edited}</span>}
          {row.expiresAt && !row.deleted && (
            <span
              className={styles.clock}
              role="img"
              aria-label={strings.message.disappears}
              title={strings.message.disappearsAt(fullTime(row.expiresAt))}
            >
              <Icon name="clock" size={12} />
            </span>
          )}
          {row.starred && (
            <span
              className={styles.star}
              role="img"
              aria-label={strings.message.starred}
              title={strings.message.starred}
            >
              <Icon name="star" size={14} />
            </span>
          )}
          <time dateTime={row.at} title={fullTime(row.at)}>
            {clockTime(row.at)}
          </time>
          {row.mine && <Ticks status={row.status} />}
        </span>
        <MessageMenu
          row={row}
          conversation={conversation}
          open={open}
          at={finger}
          onOpen={(next) => show(next)}
          tabIndex={tabIndex}
          onEdit={() => onEdit(row)}
        />
      </article>
      {row.status === 'failed' && <Refused row={row} />}
    </div>
  )
}

/** Who wrote it; whoever still has an account has a profile to open. */
function Sender({ id, username, tabIndex }: { id: string; username: string; tabIndex: number }) {
  const [open, setOpen] = useState(false)
  const person = usePerson(id)
  return (
    <p className={styles.sender} data-hue={username ? colourOf(id, person?.colour) : undefined}>
      {username ? (
        <button type="button" tabIndex={tabIndex} aria-haspopup="dialog" onClick={() => setOpen(true)}>
          <PersonName id={id} username={username} />
        </button>
      ) : (
        <PersonName id={id} username={username} />
      )}
      {open && <ProfileDialog id={id} username={username} onClose={() => setOpen(false)} />}
    </p>
  )
}

/** What stands where nothing is to be read any more. */
function goneText({ expiresAt }: Row): string {
  const gone = expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()
  return gone ? strings.message.disappeared : strings.message.deleted
}

function Refused({ row }: { row: Row }) {
  const { client } = useApp()
  return (
    <div className={styles.refused}>
      <span>
        {strings.message.failed}
        {row.refused && `: ${row.refused.detail}`}
      </span>
      <Button look="quiet" onClick={() => void client.retry(row.id)}>
        {strings.message.retry}
      </Button>
      <Button look="quiet" onClick={() => void client.discard(row.id)}>
        {strings.message.discard}
      </Button>
    </div>
  )
}
