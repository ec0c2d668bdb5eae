import { foldText } from '@parley/protocol/fold'
import type { PublicUser } from '@parley/protocol/user'
import { type FormEvent, useState } from 'react'
import { useApp, useMe, useNames, useReadable, useTitles } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { FoundName } from '../parts/found-name.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { noteOf, offered } from '../state/finder.ts'
import { directWith, otherOf } from '../state/people.ts'
import { titled } from '../state/titles.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useFinder } from '../use-finder.ts'
import form from './form.module.css'
import styles from './forward.module.css'

/** To so many at once. */
const MOST = 20
/** So many conversations are shown of those that fit what is written. */
const SHOWN = 50

interface Target {
  id: string
  /** Whose avatar it has, and by what name. */
  face: { id: string; name: string }
  title: string
  /** Of a person, or of the other one. */
  username?: string
  to: { conversationId: string } | { receiverId: string }
}

/** Passes a message on to conversations, and to people whom one finds by their names. */
export function Forward({ text, onClose }: { text: string; onClose: () => void }) {
  const { client } = useApp()
  const conversations = useReadable(client.conversations)
  const me = useMe()
  const people = useReadable(client.people)
  const { blocked } = useReadable(client.contacts)
  const titles = useTitles()
  const names = useNames()
  const { finder, view } = useFinder()
  const [chosen, setChosen] = useState<readonly Target[]>([])
  const action = useAction()
  const words = strings.forward
  const terms = foldText(view.written).split(' ').filter(Boolean)
  const known = titled(conversations, terms, people, me.id)
    .slice(0, SHOWN)
    .map((one): Target => {
      const { id, title } = one
      const other = otherOf(one, me.id)
      const face = { id: other ?? id, name: title }
      return { id, face, title: titles(one), ...(other && title && { username: title }), to: { conversationId: id } }
    })
  const isPassedOver = ({ id }: PublicUser) =>
    blocked.some(({ userId }) => userId === id) || directWith(conversations, id, me.id) !== undefined
  const found = offered(view, isPassedOver).map(({ id, username }): Target => {
    const face = { id, name: username }
    return { id, face, title: names(id, username), username, to: { receiverId: id } }
  })
  const targets = [...chosen, ...[...known, ...found].filter(({ id }) => !chosen.some((one) => one.id === id))]
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
          hint={noteOf(view, known.length + found.length) ?? words.hint}
          error={action.error}
          value={view.written}
          onChange={(event) => finder.write(event.target.value)}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
        />
        <ul className={styles.targets} aria-label={words.targets}>
          {targets.map((target) => (
            <li key={target.id}>
              <label className={styles.target}>
                <input
                  type="checkbox"
                  checked={chosen.some(({ id }) => id === target.id)}
                  onChange={(event) => choose(target, event.target.checked)}
                />
                <Avatar {...target.face} size="small" />
                <FoundName username={target.username ?? target.title} displayName={target.title} terms={terms} />
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
