import type { PublicUser } from '@parley/protocol/user'
import { type FormEvent, useState } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import form from './form.module.css'
import styles from './forward.module.css'
import { usePeople } from './use-people.ts'

/** To so many at once. */
const MOST = 20
/** So many conversations are shown of those that fit what is written. */
const SHOWN = 50

interface Target {
  id: string
  name: string
  to: { conversationId: string } | { receiverId: string }
}

/** Passes a message on to conversations, and to people whom one finds by their names. */
export function Forward({ text, onClose }: { text: string; onClose: () => void }) {
  const { client } = useApp()
  const conversations = useReadable(client.conversations)
  const [written, setWritten] = useState('')
  const [chosen, setChosen] = useState<readonly Target[]>([])
  const people = usePeople(written)
  const action = useAction()
  const words = strings.forward
  const wanted = written.trim().toLowerCase()
  const known: Target[] = conversations
    .filter(({ title }) => title.toLowerCase().includes(wanted))
    .slice(0, SHOWN)
    .map(({ id, title }) => ({ id, name: title, to: { conversationId: id } }))
  const names = new Set(conversations.filter(({ kind }) => kind === 'direct').map(({ title }) => title))
  const found: Target[] = people
    .filter(({ username }: PublicUser) => !names.has(username))
    .map(({ id, username }) => ({ id, name: username, to: { receiverId: id } }))
  const offered = [...chosen, ...[...known, ...found].filter(({ id }) => !chosen.some((one) => one.id === id))]
  const choose = (target: Target, yes: boolean) => {
    const others = chosen.filter(({ id }) => id !== target.id)
    if (yes && others.length >= MOST) return action.say(words.tooMany(MOST))
    action.say(undefined)
    setChosen(yes ? [...others, target] : others)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen.length === 0) return action.say(words.nobody)
    action.run(async () => {
      for (const { to } of chosen) await client.send(to, text, { forwarded: true })
      onClose()
    })
  }
  return (
    <Modal title={words.title} onClose={onClose}>
      <form className={form.form} onSubmit={submit} noValidate>
        <p className={styles.text}>
          <bdi>{text}</bdi>
        </p>
        <Field
          label={words.find}
          hint={words.hint}
          error={action.error}
          value={written}
          onChange={(event) => setWritten(event.target.value)}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
        />
        <ul className={styles.targets} aria-label={words.targets}>
          {offered.map((target) => (
            <li key={target.id}>
              <label className={styles.target}>
                <input
                  type="checkbox"
                  checked={chosen.some(({ id }) => id === target.id)}
                  onChange={(event) => choose(target, event.target.checked)}
                />
                <Avatar id={target.id} name={target.name} size="small" />
                <bdi>{target.name}</bdi>
              </label>
            </li>
          ))}
        </ul>
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main" busy={action.busy}>
            {words.act}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
