import { type FormEvent, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { focusFirstError, values } from '../entry/form.ts'
import { PasswordField } from '../entry/password-field.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkNewPassword } from '../state/forms.ts'
import { explain, fieldErrors } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './form.module.css'

/** Changes one's password, and says that all other devices are signed out by it. */
export function ChangePassword({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [errors, setErrors] = useState<ReturnType<typeof checkNewPassword>>({})
  const [done, setDone] = useState(false)
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const input = values(form, ['oldPassword', 'newPassword'])
    const show = (wrong: typeof errors) => {
      setErrors(wrong)
      focusFirstError(form, wrong)
    }
    const wrong = checkNewPassword(input)
    show(wrong)
    if (Object.keys(wrong).length > 0) return
    action.run(
      async () => {
        await client.changePassword(input.oldPassword, input.newPassword)
        setDone(true)
      },
      (error) => {
        const refused = fieldErrors(error)
        if (refused.oldPassword) refused.oldPassword = strings.password.wrong
        show(refused)
        return Object.keys(refused).some((name) => name in input) ? undefined : explain(error)
      },
    )
  }
  if (done)
    return (
      <Modal title={strings.password.title} onClose={onClose}>
        <p role="status">{strings.password.done}</p>
        <ModalActions>
          <Button look="main" onClick={onClose}>
            {strings.close}
          </Button>
        </ModalActions>
      </Modal>
    )
  return (
    <Modal title={strings.password.title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.password.title}>
        <p>{strings.password.intro}</p>
        {action.error && <Problem>{action.error}</Problem>}
        <PasswordField
          label={strings.password.old}
          name="oldPassword"
          autoComplete="current-password"
          error={errors.oldPassword}
        />
        <PasswordField
          label={strings.password.new}
          name="newPassword"
          autoComplete="new-password"
          hint={strings.entry.passwordHint}
          error={errors.newPassword}
        />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main" busy={action.busy}>
            {strings.password.change}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
