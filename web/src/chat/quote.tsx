import { withoutMarks } from '@parley/protocol/markup'
import { nameOf } from '../state/people.ts'
import type { Row } from '../state/rows.ts'
import { strings } from '../strings.ts'
import { useChat } from './chat-context.ts'
import styles from './quote.module.css'

/** What a message answers, as it is now; a press leads there. */
export function QuoteBlock({ row, tabIndex }: { row: Row; tabIndex: 0 | -1 }) {
  const { jumpTo } = useChat()
  const { quote, replyTo } = row
  if (replyTo === undefined || quote === undefined) return null
  const words = strings.message
  if (typeof quote === 'string')
    return (
      <p className={styles.quote}>
        <span className={styles.none}>{words.quoted[quote]}</span>
      </p>
    )
  const text = quote.deleted ? words.deleted : withoutMarks(quote.text.slice(0, 500))
  const sender = quote.mine ? words.mine : nameOf(quote.sender)
  return (
    <button type="button" className={styles.quote} tabIndex={tabIndex} onClick={() => jumpTo(replyTo)}>
      <span className="visually-hidden">{words.inReplyTo}</span>
      <bdi className={styles.by}>{sender}</bdi>
      <span className={quote.deleted ? styles.none : styles.said}>
        <bdi>{text}</bdi>
      </span>
    </button>
  )
}
