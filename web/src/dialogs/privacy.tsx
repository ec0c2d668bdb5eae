import { type Profile, type ProfileChange, VISIBILITIES, type Visibility } from '@parley/protocol/profile'
import { useEffect, useId } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { Switch } from '../parts/switch.tsx'
import { strings } from '../strings.ts'
import { type Action, useAction } from '../use-action.ts'
import styles from './profile.module.css'

/** Who sees what of oneself. Each choice holds as soon as it shows. */
export function Privacy({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const profile = useReadable(client.profile)
  const loading = useAction()
  const changing = useAction()
  const { run } = loading
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens; afterwards the server tells.
  useEffect(() => run(async () => void (await client.profile.load())), [])
  return (
    <Modal title={strings.privacy.title} onClose={onClose}>
      {profile ? (
        <Choices profile={profile} changing={changing} />
      ) : loading.error ? (
        <Notice title={loading.error} />
      ) : (
        <Loading label={strings.loading} />
      )}
      <div aria-live="polite">{changing.error && <Problem>{changing.error}</Problem>}</div>
      <ModalActions>
        <Button onClick={onClose}>{strings.close}</Button>
      </ModalActions>
    </Modal>
  )
}

function Choices({ profile, changing }: { profile: Profile; changing: Action }) {
  const { client } = useApp()
  const words = strings.privacy
  const change = (some: ProfileChange) => changing.run(async () => void (await client.profile.change(some)))
  return (
    <>
      {(['lastSeen', 'status', 'bio'] as const).map((field) => (
        <Choice
          key={field}
          label={words[field]}
          hint={field === 'lastSeen' ? words.lastSeenHint : undefined}
          value={profile.visibility[field]}
          options={VISIBILITIES}
          onChange={(value) => change({ visibility: { [field]: value } })}
        />
      ))}
      <Choice
        label={words.findable}
        hint={words.findableHint}
        value={profile.findable}
        options={['everybody', 'nobody']}
        onChange={(value) => change({ findable: value === 'nobody' ? 'nobody' : 'everybody' })}
      />
      {(['privateReceipts', 'privatePresence'] as const).map((field) => (
        <Switch
          key={field}
          label={words[field]}
          hint={words[`${field}Hint`]}
          on={profile[field]}
          onChange={(on) => change({ [field]: on })}
        />
      ))}
    </>
  )
}

function Choice({
  label,
  hint,
  value,
  options,
  onChange,
}: {
  label: string
  hint: string | undefined
  value: Visibility
  options: readonly Visibility[]
  onChange: (value: Visibility) => void
}) {
  const id = useId()
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value as Visibility)}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {strings.privacy.choices[option]}
          </option>
        ))}
      </select>
      {hint && (
        <p id={`${id}-hint`} className={styles.muted}>
          {hint}
        </p>
      )}
    </div>
  )
}
