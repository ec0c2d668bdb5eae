import { useCallback, useEffect } from 'react'
import { useApp, useMe, useNames, usePerson, usePresence } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { presenceText, statusOf } from '../state/people.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useOpenChat } from '../use-open-chat.ts'
import styles from './profile.module.css'

/** A person as one may see them: what is not for oneself is not there. Read anew when it opens. */
export function ProfileDialog({ id, username, onClose }: { id: string; username: string; onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const openChat = useOpenChat()
  const person = usePerson(id)
  const name = useNames()(id, username)
  const presence = presenceText(usePresence().get(id), new Date())
  const loading = useAction()
  const opening = useAction()
  const { run } = loading
  const load = useCallback(() => run(async () => void (await client.people.load(id))), [client, id, run])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens; afterwards the server tells.
  useEffect(load, [])
  const status = statusOf(person, new Date())
  return (
    <Modal title={strings.profile.of(name)} onClose={onClose}>
      <div className={styles.card}>
        <Avatar id={id} name={username} size="large" />
        <div className={styles.about}>
          <p className={styles.name}>
            <PersonName id={id} username={username} />
          </p>
          {status && (
            <p dir="auto" data-status-text>
              {status.text}
            </p>
          )}
          {presence && id !== me.id && <p className={styles.muted}>{presence}</p>}
        </div>
      </div>
      {person?.bio && (
        <p className={styles.bio} dir="auto">
          {person.bio}
        </p>
      )}
      {loading.busy && person?.viewRev === undefined && <Loading label={strings.loading} />}
      {loading.error && (
        <Notice title={loading.error}>
          <Button onClick={load}>{strings.retry}</Button>
        </Notice>
      )}
      {opening.error && <Problem>{opening.error}</Problem>}
      <ModalActions>
        <Button onClick={onClose}>{strings.close}</Button>
        {id !== me.id && (
          <Button look="main" busy={opening.busy} onClick={() => opening.run(() => openChat(id, onClose))}>
            {strings.profile.message}
          </Button>
        )}
      </ModalActions>
    </Modal>
  )
}
