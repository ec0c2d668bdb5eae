import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Modal } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { period } from '../state/event-lines.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './timer.module.css'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const CHOICES = [null, HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY] as const

/** How long messages stay in this conversation. */
export function Timer({ conversation, onClose }: { conversation: ConversationView; onClose: () => void }) {
  const { client } = useApp()
  const action = useAction()
  const now = conversation.disappearAfterMs ?? null
  /** What one has chosen, until the server has it or has refused it. */
  const [chosen, setChosen] = useState<number | null>()
  const choices = [...new Set<number | null>([...CHOICES, now])].sort((a, b) => (a ?? 0) - (b ?? 0))
  const words = strings.timer
  return (
    <Modal title={words.title} onClose={onClose}>
      <fieldset className={styles.choices} disabled={action.busy}>
        <legend className={styles.hint}>{words.hint}</legend>
        {choices.map((afterMs) => (
          <label key={afterMs ?? 0} className={styles.choice}>
            <input
              type="radio"
              name="timer"
              checked={afterMs === (chosen === undefined ? now : chosen)}
              onChange={() => {
                setChosen(afterMs)
                action.run(() => client.setTimer(conversation.id, afterMs).finally(() => setChosen(undefined)))
              }}
            />
            {afterMs === null ? words.off : words.after(period(afterMs))}
          </label>
        ))}
      </fieldset>
      {action.error && <Problem>{action.error}</Problem>}
    </Modal>
  )
}
