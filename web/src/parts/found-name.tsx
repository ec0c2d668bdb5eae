import { marksIn, type Piece, snippet } from '../state/snippet.ts'
import styles from './found-name.module.css'

/**
 * What a person is shown as, and beside a name of one's own choice the user name, as `PersonName` has them, with what one looks for
 * marked. What has one name only, such as a group, has it as both.
 */
export function FoundName({
  username,
  displayName,
  terms,
}: {
  username: string
  displayName?: string | undefined
  /** Folded. */
  terms: readonly string[]
}) {
  if (displayName === undefined || displayName === username)
    return (
      <bdi className={styles.name}>
        <FoundIn text={username} terms={terms} />
      </bdi>
    )
  return (
    <span className={styles.both}>
      <bdi>
        <FoundIn text={displayName} terms={terms} />
      </bdi>{' '}
      <bdi className={styles.handle}>
        @<FoundIn text={username} terms={terms} />
      </bdi>
    </span>
  )
}

const FoundIn = ({ text, terms }: { text: string; terms: readonly string[] }) => (
  <Marked pieces={snippet(text, marksIn(text, terms))} />
)

/** The pieces of a text, those that were found marked. */
export function Marked({ pieces }: { pieces: readonly Piece[] }) {
  return pieces.map(({ text, found }, n) =>
    found ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text stand where they stand.
      <mark key={n} className={styles.mark}>
        {text}
      </mark>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text stand where they stand.
      <span key={n}>{text}</span>
    ),
  )
}
