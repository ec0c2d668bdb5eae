import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView, OutboxItem } from '@parley/sdk/types'
import { Link } from 'wouter'
import { Avatar } from '../parts/avatar.tsx'
import { Ticks } from '../parts/ticks.tsx'
import { badge } from '../state/badge.ts'
import { otherOf } from '../state/people.ts'
import { preview } from '../state/preview.ts'
import { shortTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import styles from './entry.module.css'

/** One conversation of the list. */
export function ConversationEntry({
  conversation,
  open,
  meId,
  presence,
  outbox,
  now,
}: {
  conversation: ConversationView
  open: boolean
  meId: string
  presence: ReadonlyMap<string, PresenceItem>
  outbox: readonly OutboxItem[]
  now: Date
}) {
  const other = otherOf(conversation, meId)
  const online = other !== undefined && presence.get(other)?.online === true
  const last = preview(conversation, outbox)
  const unread = badge(conversation.me.unread)
  return (
    <Link
      href={`/c/${conversation.id}`}
      className={styles.entry}
      data-conversation={conversation.id}
      data-unread={unread || undefined}
      aria-current={open ? 'page' : undefined}
    >
      <Avatar id={other ?? conversation.id} name={conversation.title} online={online} />
      <span className={styles.lines}>
        <span className={styles.line}>
          <span className={styles.title}>
            <bdi>{conversation.title}</bdi>
          </span>
          {online && <span className="visually-hidden">{strings.list.online}</span>}
          {last.at && (
            <time className={styles.time} dateTime={last.at}>
              {shortTime(last.at, now)}
            </time>
          )}
        </span>
        <span className={styles.line}>
          {last.status && <Ticks status={last.status} />}
          <span className={styles.preview}>
            {last.by !== undefined && (
              <>
                <bdi className={styles.by}>{last.by}</bdi>
                {': '}
              </>
            )}
            <bdi>{last.text}</bdi>
          </span>
          {conversation.pendingCount > 0 && (
            <span className="visually-hidden">{strings.list.pending(conversation.pendingCount)}</span>
          )}
          {unread && (
            <>
              <span className={styles.badge} aria-hidden="true">
                {unread}
              </span>
              <span className="visually-hidden">{strings.list.unread(unread)}</span>
            </>
          )}
        </span>
      </span>
    </Link>
  )
}
