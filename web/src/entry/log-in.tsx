import { type FormEvent, useState } from 'react'
import { Link } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkLogin } from '../state/forms.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './entry.module.css'
import { focusFirstError, values } from './form.ts'
import { PasswordField } from './password-field.tsx'

/** Logs in with e-mail and password. */
export function LogIn() {
  const { client } = useApp()
  const [errors, setErrors] = useState<ReturnType<typeof checkLogin>>({})
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const input = values(event.currentTarget, ['email', 'password'])
    const wrong = checkLogin(input)
    setErrors(wrong)
    if (Object.keys(wrong).length > 0) return focusFirstError(event.currentTarget, wrong)
    action.run(async () => {
      await client.login({ email: input.email.trim(), password: input.password })
    })
  }
  return (
    <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.entry.login}>
      {action.error && <Problem>{action.error}</Problem>}
      <Field
        label={strings.entry.email}
        name="email"
        type="email"
        autoComplete="username"
        error={errors.email}
        dir="ltr"
      />
      <PasswordField autoComplete="current-password" error={errors.password} />
      <Button type="submit" look="main" busy={action.busy}>
        {action.busy ? strings.entry.loggingIn : strings.entry.login}
      </Button>
      <Link href="/password/forgot">{strings.mailed.forgot}</Link>
    </form>
  )
}
