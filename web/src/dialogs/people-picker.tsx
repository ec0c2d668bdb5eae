import type { PublicUser } from '@parley/protocol/user'
import { useMe, useNames } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { strings } from '../strings.ts'
import styles from './people-picker.module.css'
import { PersonField, usePersonPicking } from './person-field.tsx'

/** Picks people by their names, one after the other. `here` says who need not be added. */
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
  const me = useMe()
  const names = useNames()
  const picking = usePersonPicking({
    pick: (person) => onChange([...chosen, person]),
    refuse({ id, username }) {
      if (id === me.id) return strings.people.self
      return here(id) || chosen.some((one) => one.id === id) ? strings.people.already(names(id, username)) : undefined
    },
  })
  return (
    <div className={styles.picker}>
      <PersonField picking={picking} error={error}>
        <Button onClick={picking.accept} busy={picking.action.busy} disabled={!picking.view.written.trim()}>
          {strings.people.add}
        </Button>
      </PersonField>
      <ul className={styles.chosen} aria-label={strings.people.chosen} aria-live="polite">
        {chosen.map(({ id, username }) => {
          const name = names(id, username)
          return (
            <li key={id}>
              <button
                type="button"
                aria-label={strings.people.remove(name === username ? name : `${name} @${username}`)}
                onClick={() => onChange(chosen.filter((one) => one.id !== id))}
              >
                <PersonName id={id} username={username} />
                <Icon name="close" size={14} />
              </button>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
