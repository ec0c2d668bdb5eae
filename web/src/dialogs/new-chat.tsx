import type { FormEvent } from 'react'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { strings } from '../strings.ts'
import { useOpenChat } from '../use-open-chat.ts'
import styles from './form.module.css'
import { PersonField, usePersonPicking } from './person-field.tsx'

/** Finds a person by name and opens the conversation with that person; with oneself it is for notes. */
export function NewChat({ onClose }: { onClose: () => void }) {
  const openChat = useOpenChat()
  const picking = usePersonPicking({ pick: ({ id }) => openChat(id, onClose) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    picking.accept()
  }
  return (
    <Modal title={strings.newChat.title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate>
        <PersonField picking={picking} />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main" busy={picking.action.busy}>
            {strings.newChat.start}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
