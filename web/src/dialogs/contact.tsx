import type { ContactItem } from '@parley/protocol/contact'
import { Avatar } from '../parts/avatar.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { strings } from '../strings.ts'
import styles from './contacts.module.css'

type Act = 'accept' | 'decline' | 'cancel' | 'remove' | 'block' | 'unblock'

/** One person in a list of contacts, with what one can do there. */
export function Contact({
  contact,
  busy,
  onChat,
  onAct,
}: {
  contact: ContactItem
  busy: boolean
  onChat: () => void
  onAct: (act: Act) => void
}) {
  const { userId, username, status, blocked } = contact
  const act = (what: Act, look: 'main' | 'plain' | 'danger' = 'plain') => (
    <Button look={look} busy={busy} aria-label={strings.contacts.actNamed(what, username)} onClick={() => onAct(what)}>
      {strings.contacts.acts[what]}
    </Button>
  )
  return (
    <li className={styles.contact}>
      <Avatar id={userId} name={username} size="small" />
      <p className={styles.name}>
        <PersonName id={userId} username={username} />
      </p>
      <div className={styles.actions}>
        {blocked ? (
          act('unblock')
        ) : status === 'incoming' ? (
          <>
            {act('accept', 'main')}
            {act('decline')}
          </>
        ) : status === 'outgoing' ? (
          act('cancel')
        ) : (
          <>
            <IconButton icon="chat" label={strings.contacts.chat(username)} onClick={onChat} />
            {act('remove')}
            {act('block', 'danger')}
          </>
        )}
      </div>
    </li>
  )
}
