import { withoutMarks } from '@parley/protocol/markup'
import type { ReactNode } from 'react'
import { useNames } from '../app-context.tsx'
import { fullTime, shortTime } from '../state/time.ts'
import styles from './listed-message.module.css'

/** Messages apart from what was said around them. */
export function MessageList({ children }: { children: ReactNode }) {
  return <ul className={styles.list}>{children}</ul>
}

/** One of them: pressed, it leads to where it was said. `children`: what else can be done with it. */
export function ListedMessage({
  message: { senderId, sender, text, createdAt },
  title,
  onOpen,
  children,
}: {
  message: { senderId: string; sender: string; text: string; createdAt: string }
  /** Of the conversation, where it is not the same for all. */
  title?: string
  onOpen: () => void
  children?: ReactNode
}) {
  const name = useNames()(senderId, sender)
  return (
    <li className={styles.one}>
      <button type="button" className={styles.message} onClick={onOpen}>
        <span className={styles.where}>
          <bdi>{name}</bdi>
          {title && title !== name && <bdi className={styles.title}>{title}</bdi>}
          <time dateTime={createdAt} title={fullTime(createdAt)}>
            {shortTime(createdAt, new Date())}
          </time>
        </span>
        <span className={styles.text} dir="auto">
          {withoutMarks(text)}
        </span>
      </button>
      {children}
    </li>
  )
}
