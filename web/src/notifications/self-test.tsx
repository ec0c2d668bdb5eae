import type { NoticeTest, NoticeTestStep } from '@parley/protocol/notification'
import { useEffect, useRef, useState } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useNotices } from './context.ts'
import styles from './notifications.module.css'

const ICONS = { good: 'check', held: 'muted', waiting: 'clock', bad: 'alert' } as const

/** Sends oneself a notice by every way and shows how far each got, up to whether it arrived here. */
export function SelfTest() {
  const { client } = useApp()
  const [report, setReport] = useState<NoticeTest>()
  const arrived = useReadable(useNotices().testArrived)
  const action = useAction()
  const result = useRef<HTMLDivElement>(null)
  // It stands at the end of a long dialog. The focus stays with the button, from which one may go on.
  useEffect(() => {
    if (report || action.error) result.current?.scrollIntoView({ block: 'nearest' })
  }, [report, action.error])
  const words = strings.notifications
  const test = () =>
    action.run(async () => {
      setReport(undefined)
      setReport(await client.notifications.test())
    })
  return (
    <>
      <p className={styles.hint}>{words.testHint}</p>
      <Button busy={action.busy} onClick={test}>
        {action.busy ? words.testing : words.testRun}
      </Button>
      <div ref={result} className={styles.result} aria-live="polite">
        {action.error && <Problem>{action.error}</Problem>}
        {report && (
          <ol className={styles.steps} aria-label={words.testSteps}>
            {report.steps.map((step, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: of one report, whose steps stay in their order.
              <Step key={place} step={step} arrived={arrived === report.id} />
            ))}
          </ol>
        )}
      </div>
    </>
  )
}

function Step({ step, arrived }: { step: NoticeTestStep; arrived: boolean }) {
  const words = strings.notifications
  const to =
    step.step === 'push'
      ? words.testDevice(step.device || words.unnamed)
      : step.step === 'mail'
        ? words.testMail
        : undefined
  return (
    <li data-state={step.state}>
      <Icon name={ICONS[step.state]} size={18} />
      <p>
        <span className="visually-hidden">{words.testStates[step.state]}: </span>
        {to && (
          <>
            <bdi>{to}</bdi>{' '}
          </>
        )}
        {step.text}
        {step.current && step.state === 'good' && ` ${arrived ? words.testArrived : words.testNotArrived}`}
      </p>
    </li>
  )
}
