import { colourOf, initial } from '../state/people.ts'
import styles from './avatar.module.css'

/** The letter of a name on a colour of its own, and a dot when that person is online. The words beside it say both. */
export function Avatar({
  id,
  name,
  online = false,
  size = 'list',
}: {
  id: string
  name: string
  online?: boolean
  size?: 'list' | 'small'
}) {
  return (
    <span className={styles.avatar} data-hue={colourOf(id, 6)} data-size={size} aria-hidden="true">
      {initial(name)}
      {online && <span className={styles.dot} />}
    </span>
  )
}
