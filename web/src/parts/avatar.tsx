import { colourOf, initialsOf } from '@parley/protocol/profile'
import { usePerson } from '../app-context.tsx'
import styles from './avatar.module.css'

/**
 * The first letters of a name on a colour of its own, and a dot when that person is online. The words beside it say both. A person
 * who has chosen a name and a colour is shown so; `preview` is what one is about to choose.
 */
export function Avatar({
  id,
  name,
  online = false,
  size = 'list',
  preview,
}: {
  id: string
  name: string
  online?: boolean
  size?: 'list' | 'small' | 'large'
  preview?: { colour: number | null }
}) {
  const person = usePerson(id)
  const known = person?.deleted ? '' : name
  const shown = preview ? known : known && (person?.displayName ?? known)
  const hue = colourOf(id, preview ? preview.colour : person?.colour)
  return (
    <span className={styles.avatar} data-hue={known ? hue : undefined} data-size={size} aria-hidden="true">
      {initialsOf(shown)}
      {online && <span className={styles.dot} />}
    </span>
  )
}
