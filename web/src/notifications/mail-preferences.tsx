import { LOCALES, type Locale } from '@parley/protocol/locale'
import type { Preferences } from '@parley/protocol/notification'
import { useId } from 'react'
import { useApp } from '../app-context.tsx'
import { Problem } from '../parts/notice.tsx'
import { Switch } from '../parts/switch.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './notifications.module.css'

/** The mail that one may do without, and the language of all. Each choice holds as soon as it shows. */
export function MailPreferences({ preferences: { digest, locale } }: { preferences: Preferences }) {
  const { client } = useApp()
  const id = useId()
  const { run, error } = useAction()
  const words = strings.notifications
  const change = (some: Partial<Preferences>) =>
    run(async () => void (await client.notifications.preferences.change(some)))
  return (
    <>
      <Switch label={words.digest} hint={words.digestHint} on={digest} onChange={(on) => change({ digest: on })} />
      <div className={styles.field}>
        <label htmlFor={id}>{words.mailLanguage}</label>
        <select id={id} value={locale} onChange={(event) => change({ locale: event.target.value as Locale })}>
          {LOCALES.map((one) => (
            <option key={one} value={one} lang={one}>
              {words.mailLanguages[one]}
            </option>
          ))}
        </select>
      </div>
      <div aria-live="polite">{error && <Problem>{error}</Problem>}</div>
    </>
  )
}
