import { AVATAR_COLOURS, colourOf, type Profile } from '@parley/protocol/profile'
import { type FormEvent, useEffect, useId, useState } from 'react'
import { useApp, useMe, useReadable } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { checkProfile } from '../state/forms.ts'
import { endsAt, type StatusSpan } from '../state/status.ts'
import { sentenceTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './profile.module.css'

/** What others see of oneself, to be changed. */
export function OwnProfileDialog({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const profile = useReadable(client.profile)
  const loading = useAction()
  const { run } = loading
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens; afterwards the server tells.
  useEffect(() => run(async () => void (await client.profile.load())), [])
  return (
    <Modal title={strings.profile.title} onClose={onClose}>
      {profile ? (
        <ProfileForm profile={profile} onClose={onClose} />
      ) : loading.error ? (
        <Notice title={loading.error} />
      ) : (
        <Loading label={strings.loading} />
      )}
    </Modal>
  )
}

function ProfileForm({ profile, onClose }: { profile: Profile; onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const ids = useId()
  const [displayName, setDisplayName] = useState(profile.displayName ?? '')
  const [bio, setBio] = useState(profile.bio)
  const [status, setStatus] = useState(profile.status?.text ?? '')
  const [span, setSpan] = useState<StatusSpan | 'kept'>('kept')
  const [colour, setColour] = useState(profile.colour)
  const [errors, setErrors] = useState<ReturnType<typeof checkProfile>>({})
  const action = useAction()
  const words = strings.profile
  const shown = displayName.trim() || me.username
  const kept = profile.status?.expiresAt
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong = checkProfile({ displayName, bio, status })
    setErrors(wrong)
    if (Object.keys(wrong).length > 0) return
    const expiresAt = span === 'kept' ? kept : endsAt(span, new Date())
    const text = status.trim()
    action.run(async () => {
      await client.profile.change({
        displayName: displayName.trim() || null,
        bio: bio.trim(),
        status: text ? { text, ...(expiresAt !== undefined && { expiresAt }) } : null,
        colour,
      })
      onClose()
    })
  }
  return (
    <form onSubmit={submit} className={styles.form} noValidate>
      <section className={styles.card} aria-label={words.preview}>
        <Avatar id={me.id} name={shown} size="large" preview={{ colour }} />
        <div className={styles.about}>
          <p className={styles.name}>
            <bdi>{shown}</bdi>
          </p>
          <p className={styles.muted}>
            <bdi>@{me.username}</bdi>
          </p>
          {status.trim() && <p dir="auto">{status.trim()}</p>}
        </div>
      </section>
      <Field
        label={words.displayName}
        hint={words.displayNameHint}
        error={errors.displayName}
        value={displayName}
        dir="auto"
        autoComplete="off"
        onChange={(event) => setDisplayName(event.target.value)}
      />
      <Field
        label={words.status}
        error={errors.status}
        value={status}
        dir="auto"
        autoComplete="off"
        onChange={(event) => setStatus(event.target.value)}
      />
      {status.trim() && (
        <div className={styles.field}>
          <label htmlFor={`${ids}-span`}>{words.clearAfter}</label>
          <select
            id={`${ids}-span`}
            value={span}
            onChange={(event) => setSpan(event.target.value as StatusSpan | 'kept')}
          >
            <option value="kept">{kept ? words.until(sentenceTime(kept, new Date())) : words.spans.never}</option>
            {kept && <option value="never">{words.spans.never}</option>}
            <option value="hour">{words.spans.hour}</option>
            <option value="hours">{words.spans.hours}</option>
            <option value="day">{words.spans.day}</option>
            <option value="week">{words.spans.week}</option>
          </select>
        </div>
      )}
      <div className={styles.field}>
        <label htmlFor={`${ids}-bio`}>{words.bio}</label>
        <textarea
          id={`${ids}-bio`}
          rows={3}
          dir="auto"
          value={bio}
          aria-invalid={errors.bio ? true : undefined}
          aria-describedby={errors.bio ? `${ids}-bio-note` : undefined}
          onChange={(event) => setBio(event.target.value)}
        />
        {errors.bio && (
          <div id={`${ids}-bio-note`}>
            <Problem>{errors.bio}</Problem>
          </div>
        )}
      </div>
      <fieldset className={styles.colours}>
        <legend>{words.colour}</legend>
        {Array.from({ length: AVATAR_COLOURS }, (_, hue) => (
          <label key={words.colours[hue]} title={words.colours[hue]}>
            <input
              type="radio"
              name={`${ids}-colour`}
              className="visually-hidden"
              aria-label={words.colours[hue]}
              checked={colourOf(me.id, colour) === hue}
              onChange={() => setColour(hue)}
            />
            <span className={styles.swatch} data-hue={hue} />
          </label>
        ))}
      </fieldset>
      {action.error && <Problem>{action.error}</Problem>}
      <ModalActions>
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button type="submit" look="main" busy={action.busy}>
          {strings.save}
        </Button>
      </ModalActions>
    </form>
  )
}
