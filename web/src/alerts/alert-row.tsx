import type { AlertItem, AlertKind } from '@parley/protocol/alert'
import type { ComponentProps } from 'react'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { fullTime, shortTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import styles from './alerts.module.css'
import { useSentence } from './use-sentence.ts'

const ICONS: Record<AlertKind, ComponentProps<typeof Icon>['name']> = {
  mention: 'at',
  'mention.all': 'at',
  reply: 'reply',
  reaction: 'star',
  'contact.requested': 'person',
  'contact.accepted': 'check',
  'group.added': 'group',
  'session.started': 'device',
  'session.reused': 'alert',
  'password.changed': 'key',
  'email.changed': 'mail',
}

/** One alert; pressed, it leads to what it is about. */
export function AlertRow({ alert, now, onOpen }: { alert: AlertItem; now: Date; onOpen: () => void }) {
  const { kind, at, read, emoji } = alert
  const [actor] = alert.actors
  const text = useSentence()(alert)
  return (
    <li>
      <button type="button" className={styles.row} data-unread={!read || undefined} onClick={onOpen}>
        <span className={styles.face} data-danger={kind === 'session.reused' || undefined}>
          {actor ? <Avatar id={actor.id} name={actor.username} size="small" /> : <Icon name={ICONS[kind]} />}
          {actor && (
            <span className={styles.kind} aria-hidden="true">
              {emoji ?? <Icon name={ICONS[kind]} size={12} />}
            </span>
          )}
        </span>
        <span className={styles.text} dir="auto">
          {!read && <span className="visually-hidden">{strings.alerts.unread} </span>}
          {text}
        </span>
        <time className={styles.time} dateTime={at} title={fullTime(at)}>
          {shortTime(at, now)}
        </time>
      </button>
    </li>
  )
}
