import { type FormEvent, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { strings } from '../strings.ts'
import styles from './form.module.css'

/** Asks for a day; gives when it begins where one is, as RFC 3339. */
export function GoToDate({ onDate, onClose }: { onDate: (at: string) => void; onClose: () => void }) {
  const [day, setDay] = useState('')
  const [missing, setMissing] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const at = new Date(`${day}T00:00`)
    if (Number.isNaN(at.getTime())) return setMissing(true)
    onDate(at.toISOString())
    onClose()
  }
  return (
    <Modal title={strings.chat.toDate} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate>
        <Field
          label={strings.chat.date}
          type="date"
          value={day}
          error={missing ? strings.check.required : undefined}
          onChange={(event) => {
            setDay(event.target.value)
            setMissing(false)
          }}
        />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main">
            {strings.chat.go}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
