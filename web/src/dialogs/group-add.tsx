import type { MemberItem } from '@parley/protocol/conversation'
import type { PublicUser } from '@parley/protocol/user'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './group-details.module.css'
import { PeoplePicker } from './people-picker.tsx'

/** Adds people to a group. */
export function AddPeople({
  conversation,
  members,
}: {
  conversation: ConversationView
  members: readonly MemberItem[]
}) {
  const { client } = useApp()
  const [people, setPeople] = useState<readonly PublicUser[]>([])
  const action = useAction()
  const add = () =>
    action.run(async () => {
      const ids = people.map((user) => user.id)
      await client.addMembers(conversation.id, ids)
      setPeople([])
    })
  return (
    <section className={styles.add} aria-labelledby="group-add">
      <h2 id="group-add" className={styles.heading}>
        {strings.group.addTitle}
      </h2>
      {action.error && <Problem>{action.error}</Problem>}
      <PeoplePicker
        chosen={people}
        onChange={setPeople}
        here={(id) => members.some((member) => member.userId === id)}
      />
      {people.length > 0 && (
        <Button look="main" busy={action.busy} onClick={add}>
          {strings.group.add}
        </Button>
      )}
    </section>
  )
}
