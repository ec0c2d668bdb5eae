import type { ConversationView } from '@parley/sdk/types'
import { type FormEvent, useId, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Problem } from '../parts/notice.tsx'
import { checkDescription, checkTitle } from '../state/forms.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './group-about.module.css'

/** What a group is called and is about. */
export function GroupAbout({ conversation }: { conversation: ConversationView }) {
  const { title, description } = conversation
  return (
    <>
      <p className={styles.title}>
        <bdi>{title}</bdi>
      </p>
      {description && (
        <p className={styles.description} dir="auto">
          {description}
        </p>
      )}
    </>
  )
}

/** The same, for who may change it. */
export function EditGroup({ conversation }: { conversation: ConversationView }) {
  return (
    <>
      <Rename conversation={conversation} />
      <Describe conversation={conversation} />
    </>
  )
}

function Rename({ conversation }: { conversation: ConversationView }) {
  const { client } = useApp()
  const [title, setTitle] = useState(conversation.title)
  const action = useAction()
  const changed = title.trim() !== conversation.title
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong = checkTitle(title)
    if (wrong) return action.say(wrong)
    if (changed) action.run(() => client.renameGroup(conversation.id, title.trim()))
  }
  return (
    <form onSubmit={submit} noValidate>
      <Field
        label={strings.group.name}
        error={action.error}
        value={title}
        dir="auto"
        autoComplete="off"
        onChange={(event) => {
          setTitle(event.target.value)
          action.say(undefined)
        }}
      >
        <Button type="submit" busy={action.busy} disabled={!changed}>
          {strings.save}
        </Button>
      </Field>
    </form>
  )
}

function Describe({ conversation }: { conversation: ConversationView }) {
  const { client } = useApp()
  const id = useId()
  const before = conversation.description ?? ''
  const [text, setText] = useState(before)
  const action = useAction()
  const changed = text.trim() !== before
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong = checkDescription(text)
    if (wrong) return action.say(wrong)
    if (changed) action.run(() => client.describeGroup(conversation.id, text.trim()))
  }
  return (
    <form onSubmit={submit} className={styles.describe} noValidate>
      <label htmlFor={id}>{strings.group.description}</label>
      <textarea
        id={id}
        value={text}
        rows={3}
        dir="auto"
        aria-invalid={action.error ? true : undefined}
        onChange={(event) => {
          setText(event.target.value)
          action.say(undefined)
        }}
      />
      {action.error && <Problem>{action.error}</Problem>}
      {changed && (
        <Button type="submit" busy={action.busy}>
          {strings.group.saveDescription}
        </Button>
      )}
    </form>
  )
}
