import { withoutMarks } from '@parley/protocol/markup'
import type { ConversationView, ParleyClient } from '@parley/sdk/types'
import { type FormEvent, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { useApp, useTitles } from '../app-context.tsx'
import { IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { checkText } from '../state/message-text.ts'
import type { PaneView } from '../state/pane.ts'
import { nameOf } from '../state/people.ts'
import type { Row } from '../state/rows.ts'
import { typingSignal } from '../state/typing.ts'
import { strings } from '../strings.ts'
import styles from './composer.module.css'
import { NamingList, useNaming } from './naming-list.tsx'

/**
 * Where one writes. What is begun is a draft, which one finds here on all of one's devices. While a message of one's own is
 * `edited` its text stands here instead.
 */
export function Composer({
  conversation,
  send,
  edited,
  answering,
  onAnswerEnd,
  onAnswerStep,
  onEditLast,
  onEditEnd,
}: {
  conversation: ConversationView
  send: (text: string, replyTo?: number) => Promise<void>
  edited: Row | undefined
  /** The message that is being answered. */
  answering: PaneView['answering']
  onAnswerEnd: () => void
  /** Answers the message before the one that is being answered, or the last one; or the one after it, or none. */
  onAnswerStep: (step: -1 | 1) => void
  onEditLast: () => void
  onEditEnd: () => void
}) {
  const { client } = useApp()
  const { id } = conversation
  const title = useTitles()(conversation)
  const { draft } = conversation.me.settings
  const [written, setWritten] = useState(draft)
  /** What one has made of the message that is edited. */
  const [change, setChange] = useState<{ id: string; text: string }>()
  const editedId = edited?.id
  const text = edited ? (change?.id === editedId ? (change?.text ?? '') : edited.text) : written
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
    setWritten(now)
  }, [client, id, draft])

  useEffect(() => {
    if (editedId === undefined) return
    const { current } = box
    current?.focus()
    current?.setSelectionRange(current.value.length, current.value.length)
    return () => {
      setChange(undefined)
      setFailed(false)
    }
  }, [editedId])

  const answeredSeq = answering?.seq
  /** What was begun before one came here needs no keyboard yet. */
  const begun = useRef(answeredSeq)
  useEffect(() => {
    if (answeredSeq !== undefined && answeredSeq !== begun.current) box.current?.focus()
    begun.current = undefined
  }, [answeredSeq])

  const write = (next: string) => {
    naming.typed(box.current)
    if (edited) {
      setChange({ id: edited.id, text: next })
      setFailed(false)
      return
    }
    setWritten(next)
    client.conversation(id).setDraft(next)
    known.current = draftIn(client, id)
    setFailed(false)
    if (next) signal.typed()
    else signal.stopped()
  }
  const check = checkText(text)
  const save = ({ id: messageId, seq = 0, text: before }: Row) => {
    if (text === before) return onEditEnd()
    client.edit({ conversationId: id, id: messageId, seq }, text).then(onEditEnd, () => setFailed(true))
  }
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    box.current?.focus()
    if (!check.sendable) return
    if (edited) return save(edited)
    write('')
    send(text, answering?.seq).catch(() => {
      write([text, draftIn(client, id)].filter(Boolean).join('\n'))
      setFailed(true)
    })
  }
  const pressed = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word and Escape drops one.
    if (event.nativeEvent.isComposing || event.shiftKey) return
    if (naming.pressed(event)) return
    if (event.key === 'Enter') submit()
    else if (event.key === 'Escape' && edited) onEditEnd()
    else if (event.key === 'Escape' && answering) onAnswerEnd()
    else if (event.ctrlKey || event.metaKey) {
      if (edited || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
      // Where there is a text the keys may move within it.
      if (!answering && text !== '') return
      onAnswerStep(event.key === 'ArrowUp' ? -1 : 1)
    } else if (event.key === 'ArrowUp' && !edited && text === '') onEditLast()
    else return
    event.preventDefault()
  }

  const naming = useNaming(conversation, text, (next, caret) => {
    write(next)
    // Where one goes on to write, once the text is there.
    requestAnimationFrame(() => box.current?.setSelectionRange(caret, caret))
  })

  const words = strings.composer
  const note = failed ? (edited ? words.editNotKept : words.notKept) : check.note
  return (
    <form className={styles.composer} onSubmit={submit}>
      {edited && (
        <div className={styles.editing}>
          <Icon name="edit" size={18} />
          <p className={styles.what} role="status">
            <strong>{words.editing}</strong> <bdi>{edited.text}</bdi>
          </p>
          <IconButton icon="close" label={words.cancelEdit} onClick={onEditEnd} />
        </div>
      )}
      {answering && !edited && (
        <div className={styles.editing}>
          <Icon name="reply" size={18} />
          <p className={styles.what} role="status">
            <Answered message={answering.message} />
          </p>
          <IconButton icon="close" label={words.cancelAnswer} onClick={onAnswerEnd} />
        </div>
      )}
      <NamingList naming={naming} />
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
          placeholder={words.placeholder}
          aria-label={edited ? words.editLabel : words.label(title)}
          aria-describedby={note ? noteId : undefined}
          aria-invalid={check.over || undefined}
          enterKeyHint={edited ? 'done' : 'send'}
          onChange={(event) => write(event.target.value)}
          onSelect={(event) => naming.typed(event.currentTarget)}
          {...naming.field}
          onKeyDown={pressed}
          onBlur={() => {
            signal.stopped()
            naming.close()
          }}
        />
        <button
          type="submit"
          className={styles.send}
          aria-label={edited ? strings.save : words.send}
          title={edited ? words.editHint : words.hint}
          disabled={!check.sendable}
        >
          <Icon name={edited ? 'check' : 'send'} />
        </button>
      </div>
    </form>
  )
}

function Answered({ message }: { message: NonNullable<PaneView['answering']>['message'] }) {
  if (message === 'loading') return strings.message.quoted.loading
  const { mine, sender, text } = message
  return (
    <>
      <strong>{strings.composer.answering(mine ? strings.message.mine : nameOf(sender))}</strong>{' '}
      <bdi>{withoutMarks(text)}</bdi>
    </>
  )
}

const draftIn = (client: ParleyClient, id: string): string =>
  client.conversations.get().find((one) => one.id === id)?.me.settings.draft ?? ''
