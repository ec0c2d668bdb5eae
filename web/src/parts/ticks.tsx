import type { MessageStatus } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { Icon } from './icon.tsx'
import styles from './ticks.module.css'

const icons = { pending: 'clock', failed: 'alert', sent: 'check', delivered: 'checks', read: 'checks' } as const

/** How far one's own message got: a clock, one tick, two, two in colour. */
export function Ticks({ status }: { status: MessageStatus }) {
  return (
    <span
      className={styles.ticks}
      data-status={status}
      role="img"
      aria-label={strings.message[status]}
      title={strings.message[status]}
    >
      <Icon name={icons[status]} size={16} />
    </span>
  )
}
