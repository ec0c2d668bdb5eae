import type { Row } from '../state/rows.ts'
import { dayLabel, fullTime } from '../state/time.ts'
import styles from './event-row.module.css'
import message from './message.module.css'

/** What happened between two messages, each on a line of its own in the middle. */
export function EventRow({ row, lines }: { row: Row; lines: readonly string[] }) {
  return (
    <div className={styles.row} data-events={row.id}>
      {row.newDay && <h3 className={message.day}>{dayLabel(row.at, new Date())}</h3>}
      {lines.map((line, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added at the end.
        <p key={n} className={styles.line} title={fullTime(row.at)}>
          {line}
        </p>
      ))}
    </div>
  )
}
