import { type FormEvent, useState } from 'react'
import { Link } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkReset } from '../state/forms.ts'
import { explain, fieldErrors, isOver } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { EntryCard } from './card.tsx'
import styles from './entry.module.css'
import { focusFirstError, values } from './form.ts'
import { PasswordField } from './password-field.tsx'

/** Sets a new password by the link in a mail, whose secret is in the fragment of the address. */
export function ResetPassword() {
  const { client } = useApp()
  const [token] = useState(() => location.hash.slice(1))
  const [errors, setErrors] = useState<ReturnType<typeof checkReset>>({})
  const [state, setState] = useState<'asking' | 'done' | 'over'>(token ? 'asking' : 'over')
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const { newPassword } = values(form, ['newPassword'])
    const show = (wrong: typeof errors) => {
      setErrors(wrong)
      focusFirstError(form, wrong)
    }
    const wrong = checkReset({ newPassword })
    show(wrong)
    if (Object.keys(wrong).length > 0) return
    action.run(
      async () => {
        await client.resetPassword(token, newPassword)
        setState('done')
      },
      (error) => {
        if (isOver(error)) setState('over')
        const refused = fieldErrors(error)
        show(refused)
        return isOver(error) || refused.newPassword ? undefined : explain(error)
      },
    )
  }
  return (
    <EntryCard>
      {state === 'asking' && (
        <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.mailed.reset}>
          <p>{strings.mailed.resetIntro}</p>
          {action.error && <Problem>{action.error}</Problem>}
          <PasswordField
            label={strings.password.new}
            name="newPassword"
            autoComplete="new-password"
            hint={strings.entry.passwordHint}
            error={errors.newPassword}
          />
          <Button type="submit" look="main" busy={action.busy}>
            {strings.mailed.reset}
          </Button>
        </form>
      )}
      {state === 'done' && <p role="status">{strings.mailed.resetDone}</p>}
      {state === 'over' && <Problem>{strings.mailed.over}</Problem>}
      <p className={styles.other}>
        {state === 'over' ? (
          <Link href="/password/forgot">{strings.mailed.again}</Link>
        ) : (
          <Link href="/">{strings.entry.login}</Link>
        )}
      </p>
    </EntryCard>
  )
}
