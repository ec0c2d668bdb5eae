import { type FormEvent, useState } from 'react'
import form from '../dialogs/form.module.css'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { COMMON_EMOJI, isEmoji, MORE_EMOJI } from '../state/reactions.ts'
import { strings } from '../strings.ts'
import styles from './emoji-dialog.module.css'

/** Chooses any emoji: one of those shown, or what one types. */
export function EmojiDialog({ onChoose, onClose }: { onChoose: (emoji: string) => void; onClose: () => void }) {
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const words = strings.message
  const choose = (emoji: string) => {
    onChoose(emoji)
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isEmoji(text.trim())) choose(text.trim())
    else setError(words.notEmoji)
  }
  return (
    <Modal title={words.react} onClose={onClose}>
      <form className={form.form} onSubmit={submit}>
        <div className={styles.grid}>
          {[...COMMON_EMOJI, ...MORE_EMOJI].map((emoji) => (
            <button key={emoji} type="button" aria-label={words.reactWith(emoji)} onClick={() => choose(emoji)}>
              {emoji}
            </button>
          ))}
        </div>
        <Field
          label={words.emoji}
          hint={words.emojiHint}
          error={error}
          value={text}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value)
            setError(undefined)
          }}
        />
        <ModalActions>
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="main">
            {words.react}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  )
}
