import { type FormEvent, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkEmail } from '../state/forms.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './entry.module.css'
import { focusFirstError, values } from './form.ts'

/** Asks for a mail with a link that sets a new password. Whether there is such an account is not said. */
export function Forgot() {
  const { client } = useApp()
  const [errors, setErrors] = useState<ReturnType<typeof checkEmail>>({})
  const [asked, setAsked] = useState(false)
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const { email } = values(event.currentTarget, ['email'])
    const wrong = checkEmail({ email })
    setErrors(wrong)
    if (Object.keys(wrong).length > 0) return focusFirstError(event.currentTarget, wrong)
    action.run(async () => {
      await client.askForPassword(email.trim())
      setAsked(true)
    })
  }
  if (asked)
    return (
      <div role="status" className={styles.form}>
        <h2>{strings.mailed.sentTitle}</h2>
        <p>{strings.mailed.sent}</p>
      </div>
    )
  return (
    <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.mailed.forgot}>
      <p>{strings.mailed.forgotIntro}</p>
      {action.error && <Problem>{action.error}</Problem>}
      <Field
        label={strings.entry.email}
        name="email"
        type="email"
        autoComplete="username"
        error={errors.email}
        dir="ltr"
      />
      <Button type="submit" look="main" busy={action.busy}>
        {strings.mailed.send}
      </Button>
    </form>
  )
}
