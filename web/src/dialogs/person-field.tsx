import type { PublicUser } from '@parley/protocol/user'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useApp, useNames, useReadable } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Field } from '../parts/field.tsx'
import { FoundName } from '../parts/found-name.tsx'
import { type FinderView, noteOf, offered, wantedName } from '../state/finder.ts'
import { strings } from '../strings.ts'
import { type Action, useAction } from '../use-action.ts'
import { useFinder } from '../use-finder.ts'
import styles from './person-field.module.css'

/** A person whom one is about to pick. */
export interface PersonPicking {
  view: FinderView
  people: readonly PublicUser[]
  /** The list of people is open. */
  open: boolean
  /** To whom in it one has gone; -1: to nobody. */
  at: number
  action: Action
  write(text: string): void
  goBy(step: -1 | 1): void
  close(): void
  take(person: PublicUser): void
  /** Picks whom one has gone to, and else who has exactly the user name that is written, also somebody who is not offered. */
  accept(): void
}

/** `pick` does what one picks people for. `refuse` says why somebody is not picked: such are not offered either. */
export function usePersonPicking({
  pick,
  refuse = () => undefined,
}: {
  pick: (person: PublicUser) => Promise<void> | void
  refuse?: (person: PublicUser) => string | undefined
}): PersonPicking {
  const { client } = useApp()
  const { blocked } = useReadable(client.contacts)
  const { finder, view } = useFinder()
  const action = useAction()
  const isPassedOver = (person: PublicUser) =>
    blocked.some(({ userId }) => userId === person.id) || refuse(person) !== undefined
  const people = offered(view, isPassedOver)
  const [closed, setClosed] = useState(false)
  const [goneTo, setGoneTo] = useState<string>()
  const open = !closed && people.length > 0
  const at = open ? people.findIndex(({ id }) => id === goneTo) : -1
  const pickWritten = async (person: PublicUser) => {
    const { written } = view
    const refusal = refuse(person)
    if (refusal !== undefined) return action.say(refusal)
    await pick(person)
    // What one has gone on to write meanwhile stays.
    if (finder.get().written === written) finder.write('')
  }
  const take = (person: PublicUser) => action.run(() => pickWritten(person))
  const takeExact = () => {
    const wanted = wantedName(view.written)
    if (!wanted) return action.say(strings.check.required)
    action.run(async () => {
      const person = await client.findUser(wanted)
      if (person) return pickWritten(person)
      setClosed(false)
      action.say(people.length > 0 ? strings.people.nobodyButFound(wanted) : strings.people.nobody(wanted))
    })
  }
  return {
    view,
    people,
    open,
    at,
    action,
    write(text) {
      setClosed(false)
      setGoneTo(undefined)
      finder.write(text)
      action.say(undefined)
    },
    goBy(step) {
      const next = at < 0 ? (step > 0 ? 0 : people.length - 1) : (at + step + people.length) % people.length
      setClosed(false)
      setGoneTo(people[next]?.id)
    },
    close: () => setClosed(true),
    take,
    accept() {
      const person = people[at]
      if (person) take(person)
      else takeExact()
    },
  }
}

/**
 * Where one writes a name and picks who is meant: a combobox with a list, as the WAI-ARIA Authoring Practices have it. Nobody is gone to by
 * itself: Enter takes whom one has gone to, and else who has exactly that user name, so that no answer which arrives that moment makes it
 * somebody else. The list stands in the dialog and not over it, so that it hides neither what is wrong nor the buttons.
 */
export function PersonField({
  picking: { view, people, open, at, action, write, goBy, close, take, accept },
  hint = strings.people.findHint,
  error,
  children,
}: {
  picking: PersonPicking
  hint?: string
  error?: string | undefined
  children?: ReactNode
}) {
  const listId = useId()
  const optionId = (n: number) => `${listId}-${n}`
  const ledTo = at < 0 ? undefined : optionId(at)
  const note = noteOf(view, people.length)
  const list = useRef<HTMLDivElement>(null)
  const { length } = people
  useEffect(() => {
    // At the end of a long dialog it would open out of sight.
    if (open && length > 0) list.current?.scrollIntoView({ block: 'nearest' })
  }, [open, length])
  useEffect(() => {
    if (ledTo) document.getElementById(ledTo)?.scrollIntoView({ block: 'nearest' })
  }, [ledTo])
  /** True when the key was for this and not for the form or the dialog around it. */
  const takesKey = (key: string): boolean => {
    if (key === 'Enter') accept()
    else if (key === 'Escape' && open) close()
    else if (key === 'ArrowDown' && people.length > 0) goBy(1)
    else if (key === 'ArrowUp' && people.length > 0) goBy(-1)
    else return false
    return true
  }
  const pressed = (event: KeyboardEvent) => {
    const { shiftKey, ctrlKey, altKey, metaKey } = event
    if (event.nativeEvent.isComposing || shiftKey || ctrlKey || altKey || metaKey) return
    if (!takesKey(event.key)) return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div>
      <Field
        label={strings.people.find}
        hint={action.busy ? strings.people.searching : hint}
        error={action.error ?? error}
        value={view.written}
        onChange={(event) => write(event.target.value)}
        onKeyDown={pressed}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls={open ? listId : undefined}
        aria-activedescendant={ledTo}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="go"
      >
        {children}
      </Field>
      {open && (
        <div ref={list} className={styles.list} role="listbox" id={listId} aria-label={strings.people.found}>
          {people.map((person, n) => (
            <Offer
              key={person.id}
              id={optionId(n)}
              person={person}
              goneTo={n === at}
              terms={view.terms}
              onTake={() => take(person)}
            />
          ))}
        </div>
      )}
      <div role="status">
        {open && <span className="visually-hidden">{strings.people.counted(people.length)}</span>}
        {note && <p className={styles.note}>{note}</p>}
      </div>
    </div>
  )
}

function Offer({
  id,
  person: { id: userId, username },
  goneTo,
  terms,
  onTake,
}: {
  id: string
  person: PublicUser
  goneTo: boolean
  terms: readonly string[]
  onTake: () => void
}) {
  const names = useNames()
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the focus stays where one writes; `aria-activedescendant` leads here.
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to where one writes.
    <div
      role="option"
      id={id}
      aria-selected={goneTo}
      className={styles.person}
      // The focus must not leave where one writes.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onTake}
    >
      <Avatar id={userId} name={username} size="small" />
      <FoundName username={username} displayName={names(userId, username)} terms={terms} />
    </div>
  )
}
