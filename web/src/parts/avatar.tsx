import { colourOf, initial } from '../state/people.ts'
import styles from './avatar.module.css'

/** The letter of a name on a colour of its own (a question mark on none, of who has no name any more), and a dot when that person is online. The words beside it say both. */
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
    <span className={styles.avatar} data-hue={name ? colourOf(id, 6) : undefined} data-size={size} aria-hidden="true">
      {initial(name)}
      {online && <span className={styles.dot} />}
    </span>
  )
}
