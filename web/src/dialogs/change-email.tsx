import { type FormEvent, useState } from 'react'
import { useApp, useMe } from '../app-context.tsx'
import { focusFirstError, values } from '../entry/form.ts'
import { PasswordField } from '../entry/password-field.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkNewEmail } from '../state/forms.ts'
import { explain, fieldErrors } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './form.module.css'

/** Asks for another e-mail address, which is one's own once the link that is mailed there was opened. */
export function ChangeEmail({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const [errors, setErrors] = useState<ReturnType<typeof checkNewEmail>>({})
  const [asked, setAsked] = useState<string>()
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const read = values(form, ['email', 'password'])
    const input = { ...read, email: read.email.trim() }
    const show = (wrong: typeof errors) => {
      setErrors(wrong)
      focusFirstError(form, wrong)
    }
    const wrong = checkNewEmail(input)
    show(wrong)
    if (Object.keys(wrong).length > 0) return
    action.run(
      async () => {
        await client.changeEmail(input.email, input.password)
        setAsked(input.email)
      },
      (error) => {
        const refused = fieldErrors(error)
        if (refused.password) refused.password = strings.password.wrong
        if (refused.email) refused.email = strings.check.email
        show(refused)
        return Object.keys(refused).some((name) => name in input) ? undefined : explain(error)
      },
    )
  }
  return (
    <Modal title={strings.changeEmail.title} onClose={onClose}>
      {asked ? (
        <>
          <p role="status">{strings.changeEmail.asked(asked)}</p>
          <ModalActions>
            <Button look="main" onClick={onClose}>
              {strings.close}
            </Button>
          </ModalActions>
        </>
      ) : (
        <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.changeEmail.title}>
          <p>
            {strings.changeEmail.intro} <bdi>{me.email}</bdi>
          </p>
          {action.error && <Problem>{action.error}</Problem>}
          <Field
            label={strings.changeEmail.new}
            name="email"
            type="email"
            autoComplete="email"
            error={errors.email}
            dir="ltr"
          />
          <PasswordField autoComplete="current-password" error={errors.password} />
          <ModalActions>
            <Button onClick={onClose}>{strings.cancel}</Button>
            <Button type="submit" look="main" busy={action.busy}>
              {strings.changeEmail.ask}
            </Button>
          </ModalActions>
        </form>
      )}
    </Modal>
  )
}
