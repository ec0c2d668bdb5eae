import type { ContactItem, ContactList } from '@parley/protocol/contact'
import type { ContactsView } from '@parley/sdk/types'
import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { useApp, useMe, useNames, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useOpenChat } from '../use-open-chat.ts'
import { Contact } from './contact.tsx'
import styles from './contacts.module.css'
import { PersonField, usePersonPicking } from './person-field.tsx'

/** Whoever asked comes first: that is what one is waited for. */
const SECTIONS: readonly ContactList[] = ['incoming', 'outgoing', 'friends', 'blocked']

/** Friends, requests and blocks, and a way to ask someone. */
export function Contacts({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const openChat = useOpenChat()
  const contacts = useReadable(client.contacts)
  const loading = useAction()
  const { run } = loading
  const change = useAction()
  const load = useCallback(() => run(() => client.contacts.load()), [client, run])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens; afterwards the server tells.
  useEffect(load, [])
  const nobody = SECTIONS.every((list) => contacts[list].length === 0)
  const chat = (userId: string) => change.run(() => openChat(userId, onClose))
  return (
    <Modal title={strings.contacts.title} onClose={onClose}>
      <Ask contacts={contacts} />
      {change.error && <Problem>{change.error}</Problem>}
      {contacts.loaded ? (
        SECTIONS.filter((list) => contacts[list].length > 0).map((list) => (
          <section key={list} className={styles.section}>
            <h3 className={styles.heading}>{strings.contacts[list]}</h3>
            <ul className={styles.contacts}>
              {contacts[list].map((contact) => (
                <Contact
                  key={contact.userId}
                  contact={contact}
                  busy={change.busy}
                  onChat={() => chat(contact.userId)}
                  onAct={(act) => change.run(async () => void (await client.contacts[act](contact.userId)))}
                />
              ))}
            </ul>
          </section>
        ))
      ) : loading.error ? (
        <Notice title={loading.error}>
          <Button onClick={load}>{strings.retry}</Button>
        </Notice>
      ) : (
        <Loading label={strings.loading} />
      )}
      {contacts.loaded && nobody && <p className={styles.empty}>{strings.contacts.empty}</p>}
    </Modal>
  )
}

/** Finds a person by name and asks for friendship. */
function Ask({ contacts: { friends, outgoing } }: { contacts: ContactsView }) {
  const { client } = useApp()
  const me = useMe()
  const names = useNames()
  const [asked, setAsked] = useState<ContactItem>()
  const picking = usePersonPicking({
    async pick({ id }) {
      setAsked(undefined)
      setAsked(await client.contacts.request(id))
    },
    refuse({ id, username }) {
      if (id === me.id) return strings.people.self
      const stands = [...friends, ...outgoing].some(({ userId }) => userId === id)
      return stands ? strings.contacts.already(names(id, username)) : undefined
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    picking.accept()
  }
  const hint = asked && strings.contacts.asked(names(asked.userId, asked.username), asked.status)
  return (
    <form onSubmit={submit} noValidate>
      <PersonField picking={picking} hint={hint ?? strings.contacts.askHint}>
        <Button type="submit" busy={picking.action.busy} disabled={!picking.view.written.trim()}>
          {strings.contacts.ask}
        </Button>
      </PersonField>
    </form>
  )
}
