import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './form.module.css'
import { usePeople } from './use-people.ts'

/** Finds a person by name and opens the conversation with that person. */
export function NewChat({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [, navigate] = useLocation()
  const [name, setName] = useState('')
  const action = useAction()
  const people = usePeople(name)
  const open = async (userId: string) => {
    const conversation = await client.openDirect(userId)
    onClose()
    navigate(`/c/${conversation.id}`)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wanted = name.trim()
    if (!wanted) return action.say(strings.check.required)
    action.run(async () => {
      const user = await client.findUser(wanted)
      if (!user) return action.say(strings.people.nobody(wanted))
      await open(user.id)
    })
  }
  return (
    <Modal title={strings.newChat.title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate>
        <Field
          label={strings.people.search}
          hint={action.busy ? strings.people.searching : strings.people.searchHint}
          error={action.error}
          value={name}
          onChange={(event) => {
            setName(event.target.value)
            action.say(undefined)
          }}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
        />
        <ul className={styles.people} aria-label={strings.people.found} aria-live="polite">
          {people.map((user) => (
            <li key={user.id}>
              <button type="button" onClick={() => action.run(() => open(user.id))}>
                <Avatar id={user.id} name={user.username} size="small" />
                <span>
                  <PersonName id={user.id} username={user.username} />
                </span>
              </button>
            </li>
          ))}
        </ul>
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main" busy={action.busy}>
            {strings.newChat.start}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
