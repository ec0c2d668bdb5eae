import type { Preferences } from '@parley/protocol/notification'
import { LEVELS, type Level } from '@parley/protocol/settings'
import { useId, useRef, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Problem } from '../parts/notice.tsx'
import { Switch } from '../parts/switch.tsx'
import { explain } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { type DisturbChoice, disturbChoices, ownTimeZone, QUIET_HOURS } from './choices.ts'
import styles from './notifications.module.css'
import { QuietTimes } from './quiet-times.tsx'

/** What holds for all conversations. Each choice holds as soon as it shows. */
export function PushPreferences({ preferences }: { preferences: Preferences }) {
  const { client } = useApp()
  const id = useId()
  const [error, setError] = useState<string>()
  const last = useRef<Promise<unknown>>(Promise.resolve())
  const words = strings.notifications
  const { level, push, doNotDisturbUntil, quietHours } = preferences
  const own = client.notifications.preferences
  /** One after the other, so that none is lost where one is quicker than the network. */
  const change = (some: Partial<Preferences> | ((now: Preferences) => Partial<Preferences>)) => {
    setError(undefined)
    last.current = last.current
      .then(() => own.change(typeof some === 'function' ? some(own.get() ?? preferences) : some))
      .catch((thrown) => setError(explain(thrown)))
  }
  const choices = disturbChoices(doNotDisturbUntil, new Date())
  const choose = ({ until }: DisturbChoice) => change({ doNotDisturbUntil: until })
  return (
    <>
      <div className={styles.field}>
        <label htmlFor={`${id}level`}>{words.level}</label>
        <select
          id={`${id}level`}
          value={level}
          onChange={(event) => change({ level: event.target.value as Level })} // one of the options below
        >
          {LEVELS.map((one) => (
            <option key={one} value={one}>
              {words.levels[one]}
            </option>
          ))}
        </select>
      </div>
      <Switch label={words.push} hint={words.pushHint} on={push} onChange={(on) => change({ push: on })} />
      <div className={styles.field}>
        <label htmlFor={id}>{words.disturb}</label>
        <select
          id={id}
          value={choices.findIndex(({ chosen }) => chosen)}
          onChange={(event) => choose(choices[Number(event.target.value)]!)}
        >
          {choices.map(({ label }, place) => (
            <option key={label} value={place}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <Switch
        label={words.quiet}
        hint={words.quietHint}
        on={quietHours !== null}
        onChange={(on) => change({ quietHours: on ? { ...QUIET_HOURS, timeZone: ownTimeZone() } : null })}
      />
      {quietHours && (
        <QuietTimes
          hours={quietHours}
          onChange={(some) => change((now) => ({ quietHours: { ...(now.quietHours ?? quietHours), ...some } }))}
        />
      )}
      <div aria-live="polite">{error && <Problem>{error}</Problem>}</div>
    </>
  )
}
