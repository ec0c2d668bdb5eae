import { usePerson } from '../app-context.tsx'
import { nameOf } from '../state/people.ts'
import styles from './person-name.module.css'

/** What a person is shown as, and beside a name of one's own choice the user name: that one nobody else has. */
export function PersonName({ id, username }: { id: string; username: string }) {
  const { displayName: chosen, deleted } = usePerson(id) ?? {}
  if (deleted) return <bdi>{nameOf('')}</bdi>
  if (!username || chosen === undefined || chosen === username) return <bdi>{nameOf(username)}</bdi>
  return (
    <>
      <bdi>{chosen}</bdi> <bdi className={styles.handle}>@{username}</bdi>
    </>
  )
}
