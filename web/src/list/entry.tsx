import { isMuted, UNSET } from '@parley/protocol/settings'
import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView, OutboxItem } from '@parley/sdk/types'
import { Link } from 'wouter'
import { useNames, useTitles } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { Ticks } from '../parts/ticks.tsx'
import { badge } from '../state/badge.ts'
import { otherOf } from '../state/people.ts'
import { preview } from '../state/preview.ts'
import { shortTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import styles from './entry.module.css'
import { EntryMenu } from './entry-menu.tsx'

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
  const names = useNames()
  const titles = useTitles()
  const other = otherOf(conversation, meId)
  const online = other !== undefined && presence.get(other)?.online === true
  const { settings } = conversation.me
  const last = preview(
    open ? { ...conversation, me: { ...conversation.me, settings: UNSET } } : conversation,
    outbox,
    names,
  )
  const muted = isMuted(settings, now)
  const unread = badge(conversation.me.unread)
  return (
    <div className={styles.row}>
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
              <bdi>{titles(conversation)}</bdi>
            </span>
            {muted && <Mark icon="muted" label={strings.list.muted} />}
            {settings.pinned !== null && <Mark icon="pin" label={strings.list.pinned} />}
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
              {last.draft && <span className={styles.draft}>{strings.list.draft}: </span>}
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
            {conversation.me.mentions > 0 && (
              <>
                <span className={styles.at} aria-hidden="true">
                  @
                </span>
                <span className="visually-hidden">{strings.list.mentions(conversation.me.mentions)}</span>
              </>
            )}
            {unread && (
              <>
                <span className={styles.badge} data-muted={muted || undefined} aria-hidden="true">
                  {unread}
                </span>
                <span className="visually-hidden">{strings.list.unread(unread)}</span>
              </>
            )}
          </span>
        </span>
      </Link>
      <EntryMenu conversation={conversation} />
    </div>
  )
}

function Mark({ icon, label }: { icon: 'muted' | 'pin'; label: string }) {
  return (
    <span className={styles.mark} title={label}>
      <Icon name={icon} size={14} />
      <span className="visually-hidden">{label}</span>
    </span>
  )
}
