import type { Why as Answer } from '@parley/protocol/notification'
import { useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Loading, Problem } from '../parts/notice.tsx'
import { sentenceTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './notifications.module.css'

/** Why one was notified of a message, or was not. */
export function Why({ conversationId, seq, onClose }: { conversationId: string; seq: number; onClose: () => void }) {
  const { client } = useApp()
  const [answer, setAnswer] = useState<Answer>()
  const action = useAction()
  const { run } = action
  const load = () => run(async () => setAnswer(await client.notifications.why(conversationId, seq)))
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens.
  useEffect(load, [])
  const words = strings.notifications
  return (
    <Modal title={words.whyTitle} onClose={onClose}>
      <div aria-live="polite">
        {answer ? <Story answer={answer} /> : action.error ? <Problem>{action.error}</Problem> : null}
        {!answer && !action.error && <Loading label={strings.loading} />}
      </div>
      <ModalActions>
        {(action.error || answer?.outcome === 'waiting') && (
          <Button busy={action.busy} onClick={load}>
            {strings.retry}
          </Button>
        )}
        <Button onClick={onClose}>{strings.close}</Button>
      </ModalActions>
    </Modal>
  )
}

function Story({ answer }: { answer: Answer }) {
  const words = strings.notifications
  const outcomes = { push: words.whyPush, none: words.whyNone, waiting: words.whyWaiting }
  const now = new Date()
  return (
    <div className={styles.story}>
      <p className={styles.outcome}>{outcomes[answer.outcome]}</p>
      <p>{answer.text}</p>
      {answer.at && <p className={styles.hint}>{words.whyAt(sentenceTime(answer.at, now))}</p>}
      {answer.pushes && (
        <>
          <h3>{words.whyPushes}</h3>
          <ul className={styles.devices}>
            {answer.pushes.map(({ device, state, text, at }, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: of one answer, which stays as it is.
              <li key={place}>
                <div className={styles.about}>
                  <p className={styles.name}>
                    <bdi>{device || words.unnamed}</bdi>
                    <span className={styles.current}>{words.whyStates[state]}</span>
                  </p>
                  <p>{text}</p>
                  <p className={styles.hint}>{sentenceTime(at, now)}</p>
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
