import type { PublicUser } from '@parley/protocol/user'
import { type KeyboardEvent, useState } from 'react'
import { useApp, useMe } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './people-picker.module.css'

/** Finds people by their user names, one after the other. `here` says who need not be added. */
export function PeoplePicker({
  chosen,
  onChange,
  here = () => false,
  error,
}: {
  chosen: readonly PublicUser[]
  onChange: (chosen: readonly PublicUser[]) => void
  here?: (userId: string) => boolean
  error?: string | undefined
}) {
  const { client } = useApp()
  const me = useMe()
  const [name, setName] = useState('')
  const action = useAction()
  const add = () => {
    const wanted = name.trim()
    if (!wanted) return
    action.run(async () => {
      const user = await client.findUser(wanted)
      if (!user) return action.say(strings.people.nobody(wanted))
      if (user.id === me.id) return action.say(strings.people.self)
      if (here(user.id) || chosen.some((one) => one.id === user.id))
        return action.say(strings.people.already(user.username))
      onChange([...chosen, user])
      setName('')
    })
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || !name.trim()) return
    // Enter adds the person and does not send the form around this.
    event.preventDefault()
    add()
  }
  return (
    <div className={styles.picker}>
      <Field
        label={strings.people.find}
        hint={action.busy ? strings.people.searching : strings.people.findHint}
        error={action.error ?? error}
        value={name}
        onChange={(event) => {
          setName(event.target.value)
          action.say(undefined)
        }}
        onKeyDown={pressed}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
      >
        <Button onClick={add} busy={action.busy} disabled={!name.trim()}>
          {strings.people.add}
        </Button>
      </Field>
      <ul className={styles.chosen} aria-label={strings.people.chosen} aria-live="polite">
        {chosen.map((user) => (
          <li key={user.id}>
            <button
              type="button"
              aria-label={strings.people.remove(user.username)}
              onClick={() => onChange(chosen.filter((one) => one.id !== user.id))}
            >
              <bdi>{user.username}</bdi>
              <Icon name="close" size={14} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
