import type { Status } from '@parley/protocol/profile'
import { may } from '@parley/protocol/rights'
import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView } from '@parley/sdk/types'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { useApp, useMe, usePerson, usePresence, useReadable } from '../app-context.tsx'
import { Block } from '../dialogs/block.tsx'
import { GoToDate } from '../dialogs/go-to-date.tsx'
import { GroupDetails } from '../dialogs/group-details.tsx'
import { ProfileDialog } from '../dialogs/profile.tsx'
import { Timer } from '../dialogs/timer.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { nameOf, otherIsGone, otherOf, presenceText, statusOf } from '../state/people.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './header.module.css'

/** With whom one talks: presence of the one, or how many. */
export function ChatHeader({
  conversation,
  onDate,
}: {
  conversation: ConversationView
  /** One wants to see what was said at that time (RFC 3339) and later. */
  onDate: (at: string) => void
}) {
  const me = useMe()
  const presence = usePresence()
  const { client } = useApp()
  const contacts = useReadable(client.contacts)
  const [details, setDetails] = useState(false)
  const [profile, setProfile] = useState(false)
  const [timer, setTimer] = useState(false)
  const [dating, setDating] = useState(false)
  const [blocking, setBlocking] = useState(false)
  const unblocking = useAction()
  const heading = useRef<HTMLHeadingElement>(null)
  const gone = otherIsGone(conversation, me.id)
  const other = gone ? undefined : otherOf(conversation, me.id)
  const group = conversation.kind === 'group'
  const item = other === undefined ? undefined : presence.get(other)
  const status = statusOf(usePerson(other ?? ''), new Date())
  const blocked = other !== undefined && contacts.blocked.some(({ userId }) => userId === other)
  useEffect(() => {
    // Without it the button only offers what the server does again, for nothing.
    if (!client.contacts.get().loaded) client.contacts.load().catch(() => undefined)
  }, [client])
  // Opening a conversation leads a keyboard or screen reader to it; the composer takes the focus where there is a keyboard.
  useEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.back} aria-label={strings.chat.back} title={strings.chat.back}>
        <Icon name="back" />
      </Link>
      <Avatar
        id={other ?? conversation.id}
        name={conversation.title}
        online={!blocked && item?.online === true}
        size="small"
      />
      <div className={styles.names}>
        <h2 ref={heading} tabIndex={-1} className={styles.title}>
          {other === undefined ? (
            <bdi>{nameOf(conversation.title)}</bdi>
          ) : (
            <PersonName id={other} username={conversation.title} />
          )}
        </h2>
        <p className={styles.state}>
          {group
            ? strings.chat.members(conversation.memberCount)
            : gone
              ? strings.chat.gone
              : other === undefined
                ? strings.list.self
                : (unblocking.error ?? (blocked ? strings.contacts.blocked : <State item={item} status={status} />))}
        </p>
      </div>
      {may(conversation.me.role, conversation.kind, 'timer.change') && !blocked && !gone && (
        <IconButton icon="clock" label={strings.timer.title} onClick={() => setTimer(true)} />
      )}
      <IconButton icon="calendar" label={strings.chat.toDate} onClick={() => setDating(true)} />
      {dating && <GoToDate onDate={onDate} onClose={() => setDating(false)} />}
      {group && <IconButton icon="info" label={strings.chat.details} onClick={() => setDetails(true)} />}
      {other !== undefined && !blocked && (
        <IconButton icon="person" label={strings.profile.open} onClick={() => setProfile(true)} />
      )}
      {other !== undefined && !blocked && (
        <IconButton
          icon="block"
          label={strings.contacts.actNamed('block', conversation.title)}
          onClick={() => setBlocking(true)}
        />
      )}
      {other !== undefined && blocked && (
        <Button
          busy={unblocking.busy}
          aria-label={strings.contacts.actNamed('unblock', conversation.title)}
          onClick={() => unblocking.run(async () => void (await client.contacts.unblock(other)))}
        >
          {strings.contacts.acts.unblock}
        </Button>
      )}
      {other !== undefined && blocking && (
        <Block userId={other} name={conversation.title} onClose={() => setBlocking(false)} />
      )}
      {other !== undefined && profile && (
        <ProfileDialog id={other} username={conversation.title} onClose={() => setProfile(false)} />
      )}
      {timer && <Timer conversation={conversation} onClose={() => setTimer(false)} />}
      {details && <GroupDetails conversation={conversation} onClose={() => setDetails(false)} />}
    </header>
  )
}

/** Whether the other is here, and what they say of it. */
function State({ item, status }: { item: PresenceItem | undefined; status: Status | undefined }) {
  const here = presenceText(item, new Date())
  return (
    <>
      {here}
      {here !== undefined && status && ' · '}
      {status && <bdi>{status.text}</bdi>}
    </>
  )
}
