import type { ConversationView, ParleyClient } from '@parley/sdk/types'
import { type FormEvent, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Icon } from '../parts/icon.tsx'
import { checkText } from '../state/message-text.ts'
import { typingSignal } from '../state/typing.ts'
import { strings } from '../strings.ts'
import styles from './composer.module.css'

/** Where one writes. What is begun is a draft, which one finds here on all of one's devices. */
export function Composer({
  conversation,
  send,
}: {
  conversation: ConversationView
  send: (text: string) => Promise<void>
}) {
  const { client } = useApp()
  const { id } = conversation
  const { draft } = conversation.me.settings
  const [text, setText] = useState(draft)
  /** The draft that was shown here or made here last: another one comes from another device. */
  const known = useRef(draft)
  const [failed, setFailed] = useState(false)
  const box = useRef<HTMLTextAreaElement>(null)
  const noteId = useId()
  const signal = useMemo(() => typingSignal((on) => client.setTyping(id, on)), [client, id])
  useEffect(() => signal.stopped, [signal])
  useEffect(() => {
    // With a finger there is no keyboard yet, and it would cover half of what one came to read.
    if (matchMedia('(pointer: fine)').matches) box.current?.focus()
  }, [])

  useEffect(() => {
    // As it is now: what one has typed since `draft` was drawn is one's own.
    const now = draftIn(client, id)
    if (now === known.current || now !== draft) return
    known.current = now
    setText(now)
  }, [client, id, draft])

  const write = (next: string) => {
    setText(next)
    client.conversation(id).setDraft(next)
    known.current = draftIn(client, id)
    setFailed(false)
    if (next) signal.typed()
    else signal.stopped()
  }
  const check = checkText(text)
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    box.current?.focus()
    if (!check.sendable) return
    write('')
    send(text).catch(() => {
      write([text, draftIn(client, id)].filter(Boolean).join('\n'))
      setFailed(true)
    })
  }
  const pressed = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }

  const note = failed ? strings.composer.notKept : check.note
  return (
    <form className={styles.composer} onSubmit={submit}>
      {note && (
        <p id={noteId} className={styles.note} data-over={check.over || failed || undefined} role="status">
          {note}
        </p>
      )}
      <div className={styles.line}>
        <textarea
          ref={box}
          className={styles.box}
          rows={1}
          dir="auto"
          value={text}
          placeholder={strings.composer.placeholder}
          aria-label={strings.composer.label(conversation.title)}
          aria-describedby={note ? noteId : undefined}
          aria-invalid={check.over || undefined}
          enterKeyHint="send"
          onChange={(event) => write(event.target.value)}
          onKeyDown={pressed}
          onBlur={signal.stopped}
        />
        <button
          type="submit"
          className={styles.send}
          aria-label={strings.composer.send}
          title={strings.composer.hint}
          disabled={!check.sendable}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  )
}

const draftIn = (client: ParleyClient, id: string): string =>
  client.conversations.get().find((one) => one.id === id)?.me.settings.draft ?? ''
