import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkRegister } from '../state/forms.ts'
import { explain, fieldErrors } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './entry.module.css'
import { focusFirstError, values } from './form.ts'
import { PasswordField } from './password-field.tsx'

/** Creates an account and logs in with it. */
export function Register() {
  const { client } = useApp()
  const [place, navigate] = useLocation()
  const [errors, setErrors] = useState<ReturnType<typeof checkRegister>>({})
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const read = values(form, ['username', 'email', 'password'])
    const input = { ...read, username: read.username.trim(), email: read.email.trim() }
    const show = (wrong: typeof errors) => {
      setErrors(wrong)
      focusFirstError(form, wrong)
    }
    const wrong = checkRegister(input)
    show(wrong)
    if (Object.keys(wrong).length > 0) return
    action.run(
      async () => {
        await client.register(input)
        await client.login({ email: input.email, password: input.password })
        // Who came by an invite goes on to it.
        if (place === '/register') navigate('/', { replace: true })
      },
      (error) => {
        const refused = fieldErrors(error)
        show(refused)
        return Object.keys(refused).some((name) => name in input) ? undefined : explain(error)
      },
    )
  }
  return (
    <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.entry.register}>
      {action.error && <Problem>{action.error}</Problem>}
      <Field
        label={strings.entry.username}
        hint={strings.entry.usernameHint}
        name="username"
        autoComplete="nickname"
        autoCapitalize="none"
        spellCheck={false}
        error={errors.username}
      />
      <Field
        label={strings.entry.email}
        name="email"
        type="email"
        autoComplete="username"
        error={errors.email}
        dir="ltr"
      />
      <PasswordField autoComplete="new-password" hint={strings.entry.passwordHint} error={errors.password} />
      <Button type="submit" look="main" busy={action.busy}>
        {action.busy ? strings.entry.registering : strings.entry.register}
      </Button>
    </form>
  )
}
