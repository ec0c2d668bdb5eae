import type { MemberItem } from '@parley/protocol/conversation'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useApp, useMe } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { rights } from '../state/rights.ts'
import { strings } from '../strings.ts'
import { Confirm } from './confirm.tsx'
import { AddPeople } from './group-add.tsx'
import styles from './group-details.module.css'
import { RenameGroup } from './group-rename.tsx'
import { useMembers } from './use-members.ts'

/** Who is in a group, and what one may do about it. */
export function GroupDetails({ conversation, onClose }: { conversation: ConversationView; onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const [, navigate] = useLocation()
  const { members, error, again } = useMembers(conversation)
  const [removing, setRemoving] = useState<MemberItem>()
  const [leaving, setLeaving] = useState(false)
  const may = rights(conversation, me.id)
  return (
    <Modal title={strings.group.title} onClose={onClose}>
      {may.rename ? (
        <RenameGroup conversation={conversation} />
      ) : (
        <p className={styles.title}>
          <bdi>{conversation.title}</bdi>
        </p>
      )}
      <section aria-labelledby="group-members">
        <h2 id="group-members" className={styles.heading}>
          {strings.chat.members(conversation.memberCount)}
        </h2>
        {members ? (
          <ul className={styles.members}>
            {members.map((member) => (
              <li key={member.userId}>
                <Avatar id={member.userId} name={member.username} size="small" />
                <span className={styles.name}>
                  <bdi>{member.username}</bdi> {member.userId === me.id && strings.group.you}
                </span>
                {member.role === 'owner' && <span className={styles.role}>{strings.group.owner}</span>}
                {may.remove(member.userId) && (
                  <Button
                    look="quiet"
                    aria-label={strings.group.removeNamed(member.username)}
                    onClick={() => setRemoving(member)}
                  >
                    {strings.group.remove}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        ) : error ? (
          <Notice title={error}>
            <Button onClick={again}>{strings.retry}</Button>
          </Notice>
        ) : (
          <Loading label={strings.loading} />
        )}
      </section>
      {may.add && <AddPeople conversation={conversation} members={members ?? []} />}
      {may.leave && (
        <Button look="danger" onClick={() => setLeaving(true)}>
          {strings.group.leave}
        </Button>
      )}
      {removing && (
        <Confirm
          title={strings.group.removeTitle(removing.username)}
          text={strings.group.removeText}
          act={strings.group.remove}
          onAct={async () => {
            await client.removeMember(conversation.id, removing.userId)
            setRemoving(undefined)
            again()
          }}
          onClose={() => setRemoving(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={strings.group.leaveTitle}
          text={strings.group.leaveText}
          act={strings.group.leave}
          onAct={async () => {
            await client.leave(conversation.id)
            onClose()
            navigate('/')
          }}
          onClose={() => setLeaving(false)}
        />
      )}
    </Modal>
  )
}
