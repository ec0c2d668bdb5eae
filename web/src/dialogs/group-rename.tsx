import type { ConversationView } from '@parley/sdk/types'
import { type FormEvent, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { checkTitle } from '../state/forms.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'

/** The name of a group, for who may change it. */
export function RenameGroup({ conversation }: { conversation: ConversationView }) {
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
