import type { QuietHours } from '@parley/protocol/notification'
import { useId, useState } from 'react'
import { Field } from '../parts/field.tsx'
import { strings } from '../strings.ts'
import { timeZones } from './choices.ts'
import styles from './notifications.module.css'

/** From when to when nothing is pushed, by which clock. */
export function QuietTimes({ hours, onChange }: { hours: QuietHours; onChange: (some: Partial<QuietHours>) => void }) {
  const id = useId()
  const words = strings.notifications
  return (
    <>
      <div className={styles.times}>
        <Time label={words.quietFrom} value={hours.from} onChange={(from) => onChange({ from })} />
        <Time label={words.quietTo} value={hours.to} onChange={(to) => onChange({ to })} />
      </div>
      <div className={styles.field}>
        <label htmlFor={id}>{words.quietZone}</label>
        <select id={id} value={hours.timeZone} onChange={(event) => onChange({ timeZone: event.target.value })}>
          {timeZones(hours.timeZone).map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </div>
    </>
  )
}

/** A time of day. While one is at it, what one types stands there, and not what the server has by then. */
function Time({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [draft, setDraft] = useState<string>()
  return (
    <Field
      label={label}
      type="time"
      required
      value={draft ?? value}
      onChange={({ target }) => {
        setDraft(target.value)
        if (target.value !== '') onChange(target.value)
      }}
      onBlur={() => setDraft(undefined)}
    />
  )
}
