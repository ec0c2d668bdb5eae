import type { SessionItem } from '@parley/protocol/user'
import { type FormEvent, useState } from 'react'
import { Button, IconButton } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { sentenceTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import styles from './devices.module.css'

/** One session in the list of devices. */
export function Device({
  session,
  busy,
  onRename,
  onEnd,
}: {
  session: SessionItem
  busy: boolean
  onRename: (name: string) => void
  onEnd: () => void
}) {
  const [draft, setDraft] = useState<string>()
  const name = session.name || strings.devices.unnamed
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!draft?.trim()) return
    onRename(draft.trim())
    setDraft(undefined)
  }
  if (draft !== undefined)
    return (
      <li>
        <form className={styles.rename} onSubmit={submit} noValidate>
          <Field
            label={strings.devices.name}
            value={draft}
            maxLength={100}
            autoFocus
            dir="auto"
            onChange={(event) => setDraft(event.target.value)}
          />
          <div className={styles.actions}>
            <Button type="submit" look="main" disabled={!draft.trim()}>
              {strings.save}
            </Button>
            <Button onClick={() => setDraft(undefined)}>{strings.cancel}</Button>
          </div>
        </form>
      </li>
    )
  return (
    <li className={styles.device}>
      <div className={styles.about}>
        <p className={styles.name}>
          <bdi>{name}</bdi>
          {session.current && <span className={styles.current}>{strings.devices.current}</span>}
        </p>
        <p className={styles.used}>
          {strings.devices.used(sentenceTime(session.lastUsedAt, new Date()), session.place)}
        </p>
      </div>
      <IconButton icon="edit" label={strings.devices.rename(name)} onClick={() => setDraft(session.name)} />
      {!session.current && (
        <Button look="danger" busy={busy} aria-label={strings.devices.endNamed(name)} onClick={onEnd}>
          {strings.devices.end}
        </Button>
      )}
    </li>
  )
}
