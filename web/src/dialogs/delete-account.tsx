import type { KeepOrErase } from '@parley/protocol/user'
import { type FormEvent, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { focusFirstError, values } from '../entry/form.ts'
import { PasswordField } from '../entry/password-field.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkPassword } from '../state/forms.ts'
import { explain, fieldErrors } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './form.module.css'

const CHOICES: readonly KeepOrErase[] = ['keep', 'erase']

/** Deletes the account: says what goes, asks what becomes of the messages, and wants the password. */
export function DeleteAccount({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [errors, setErrors] = useState<ReturnType<typeof checkPassword>>({})
  const [messages, setMessages] = useState<KeepOrErase>('keep')
  const action = useAction()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const { password } = values(form, ['password'])
    const show = (wrong: typeof errors) => {
      setErrors(wrong)
      focusFirstError(form, wrong)
    }
    const wrong = checkPassword({ password })
    show(wrong)
    if (Object.keys(wrong).length > 0) return
    action.run(
      () => client.deleteAccount(password, messages),
      (error) => {
        const refused = fieldErrors(error).password ? { password: strings.password.wrong } : {}
        show(refused)
        return refused.password ? undefined : explain(error)
      },
    )
  }
  return (
    <Modal title={strings.deleteAccount.title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate aria-label={strings.deleteAccount.title}>
        <p>{strings.deleteAccount.intro}</p>
        {action.error && <Problem>{action.error}</Problem>}
        <fieldset className={styles.choices}>
          <legend>{strings.deleteAccount.messages}</legend>
          {CHOICES.map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="messages"
                value={choice}
                checked={messages === choice}
                onChange={() => setMessages(choice)}
              />
              {strings.deleteAccount[choice]}
            </label>
          ))}
        </fieldset>
        <PasswordField autoComplete="current-password" error={errors.password} />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="danger" busy={action.busy}>
            {strings.deleteAccount.confirm}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
