import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useApp, useMe } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { rights } from '../state/rights.ts'
import { strings } from '../strings.ts'
import { Confirm } from './confirm.tsx'
import { EditGroup, GroupAbout } from './group-about.tsx'
import { AddPeople } from './group-add.tsx'
import styles from './group-details.module.css'
import { GroupMembers } from './group-members.tsx'
import { Invites } from './invites.tsx'
import { useMembers } from './use-members.ts'

/** What a group is about, who is in it, and what one may do about either. */
export function GroupDetails({ conversation, onClose }: { conversation: ConversationView; onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const [, navigate] = useLocation()
  const { members, error, again } = useMembers(conversation)
  const [leaving, setLeaving] = useState(false)
  const [inviting, setInviting] = useState(false)
  const may = rights(conversation, me.id)
  const leavingOwner = conversation.me.role === 'owner' && conversation.memberCount > 1
  return (
    <Modal title={strings.group.title} onClose={onClose}>
      {may.change ? <EditGroup conversation={conversation} /> : <GroupAbout conversation={conversation} />}
      <section aria-labelledby="group-members">
        <h2 id="group-members" className={styles.heading}>
          {strings.chat.members(conversation.memberCount)}
        </h2>
        {members ? (
          <GroupMembers conversation={conversation} members={members} onChanged={again} />
        ) : error ? (
          <Notice title={error}>
            <Button onClick={again}>{strings.retry}</Button>
          </Notice>
        ) : (
          <Loading label={strings.loading} />
        )}
      </section>
      {may.add && <AddPeople conversation={conversation} members={members ?? []} />}
      {may.invite && <Button onClick={() => setInviting(true)}>{strings.invites.open}</Button>}
      {may.leave && (
        <Button look="danger" onClick={() => setLeaving(true)}>
          {strings.group.leave}
        </Button>
      )}
      {inviting && may.invite && <Invites conversation={conversation} onClose={() => setInviting(false)} />}
      {leaving && (
        <Confirm
          title={strings.group.leaveTitle}
          text={leavingOwner ? strings.group.leaveAsOwner : strings.group.leaveText}
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
