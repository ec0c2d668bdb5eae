import type { ContactItem, ContactList } from '@parley/protocol/contact'
import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { useApp, useMe, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { Contact } from './contact.tsx'
import styles from './contacts.module.css'

/** Whoever asked comes first: that is what one is waited for. */
const SECTIONS: readonly ContactList[] = ['incoming', 'outgoing', 'friends', 'blocked']

/** Friends, requests and blocks, and a way to ask someone. */
export function Contacts({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [, navigate] = useLocation()
  const contacts = useReadable(client.contacts)
  const loading = useAction()
  const { run } = loading
  const change = useAction()
  const load = useCallback(() => run(() => client.contacts.load()), [client, run])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens; afterwards the server tells.
  useEffect(load, [])
  const nobody = SECTIONS.every((list) => contacts[list].length === 0)
  const chat = (userId: string) =>
    change.run(async () => {
      const conversation = await client.openDirect(userId)
      onClose()
      navigate(`/c/${conversation.id}`)
    })
  return (
    <Modal title={strings.contacts.title} onClose={onClose}>
      <Ask />
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

/** Finds a person by user name and asks for friendship. */
function Ask() {
  const { client } = useApp()
  const me = useMe()
  const [name, setName] = useState('')
  const [asked, setAsked] = useState<ContactItem>()
  const action = useAction()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wanted = name.trim()
    if (!wanted) return action.say(strings.check.required)
    setAsked(undefined)
    action.run(async () => {
      const user = await client.findUser(wanted)
      if (!user) return action.say(strings.people.nobody(wanted))
      if (user.id === me.id) return action.say(strings.people.self)
      setAsked(await client.contacts.request(user.id))
      setName('')
    })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Field
        label={strings.people.find}
        hint={asked ? strings.contacts.asked(asked.username, asked.status) : strings.people.findHint}
        error={action.error}
        value={name}
        onChange={(event) => {
          setName(event.target.value)
          action.say(undefined)
        }}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
      >
        <Button type="submit" busy={action.busy} disabled={!name.trim()}>
          {strings.contacts.ask}
        </Button>
      </Field>
    </form>
  )
}
