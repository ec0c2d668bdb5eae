import type { ConversationView } from '@parley/sdk/types'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { useMe, usePresence } from '../app-context.tsx'
import { GroupDetails } from '../dialogs/group-details.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { otherOf, presenceText } from '../state/people.ts'
import { strings } from '../strings.ts'
import styles from './header.module.css'

/** With whom one talks: presence of the one, or how many. */
export function ChatHeader({ conversation }: { conversation: ConversationView }) {
  const me = useMe()
  const presence = usePresence()
  const [details, setDetails] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const other = otherOf(conversation, me.id)
  const group = conversation.kind === 'group'
  const item = other === undefined ? undefined : presence.get(other)
  // Opening a conversation leads a keyboard or screen reader to it; the composer takes the focus where there is a keyboard.
  useEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.back} aria-label={strings.chat.back} title={strings.chat.back}>
        <Icon name="back" />
      </Link>
      <Avatar id={other ?? conversation.id} name={conversation.title} online={item?.online === true} size="small" />
      <div className={styles.names}>
        <h2 ref={heading} tabIndex={-1} className={styles.title}>
          <bdi>{conversation.title}</bdi>
        </h2>
        <p className={styles.state}>
          {group
            ? strings.chat.members(conversation.memberCount)
            : other === undefined
              ? strings.list.self
              : presenceText(item, new Date())}
        </p>
      </div>
      {group && <IconButton icon="info" label={strings.chat.details} onClick={() => setDetails(true)} />}
      {details && <GroupDetails conversation={conversation} onClose={() => setDetails(false)} />}
    </header>
  )
}
