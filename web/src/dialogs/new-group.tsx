import type { PublicUser } from '@parley/protocol/user'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkTitle } from '../state/forms.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './form.module.css'
import { PeoplePicker } from './people-picker.tsx'

/** A new group: its name, and who is in it from the start. */
export function NewGroup({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [, navigate] = useLocation()
  const [title, setTitle] = useState('')
  const [people, setPeople] = useState<readonly PublicUser[]>([])
  const [tried, setTried] = useState(false)
  const action = useAction()
  const titleError = checkTitle(title)
  const peopleError = people.length === 0 ? strings.check.people : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (titleError || peopleError) return
    action.run(async () => {
      const ids = people.map((user) => user.id)
      const conversation = await client.createGroup(title.trim(), ids)
      onClose()
      navigate(`/c/${conversation.id}`)
    })
  }
  return (
    <Modal title={strings.newGroup.title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate>
        {action.error && <Problem>{action.error}</Problem>}
        <Field
          label={strings.newGroup.name}
          error={tried ? titleError : undefined}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          autoComplete="off"
          dir="auto"
        />
        <PeoplePicker chosen={people} onChange={setPeople} error={tried ? peopleError : undefined} />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main" busy={action.busy}>
            {action.busy ? strings.newGroup.creating : strings.newGroup.create}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
