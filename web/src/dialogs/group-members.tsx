import { Menu } from '@base-ui/react/menu'
import type { MemberItem } from '@parley/protocol/conversation'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp, useMe } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { MenuItem, MenuLine, MenuPopup } from '../parts/menu.tsx'
import { Modal } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { type MemberRights, rights } from '../state/rights.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { Confirm } from './confirm.tsx'
import styles from './group-details.module.css'
import { ProfileDialog } from './profile.tsx'

/** Who is in a group and as what, each with a menu of what one may do about them. */
export function GroupMembers({
  conversation,
  members,
  onChanged,
}: {
  conversation: ConversationView
  members: readonly MemberItem[]
  onChanged: () => void
}) {
  const { client } = useApp()
  const me = useMe()
  const may = rights(conversation, me.id)
  const [asking, setAsking] = useState<{ what: 'remove' | 'handOver'; member: MemberItem }>()
  const [shown, setShown] = useState<MemberItem>()
  const action = useAction()
  const words = strings.group
  const close = () => setAsking(undefined)
  return (
    <>
      <ul className={styles.members}>
        {members.map((member) => {
          const about = may.about(member)
          return (
            <li key={member.userId}>
              <Avatar id={member.userId} name={member.username} size="small" />
              <span className={styles.name}>
                {member.deleted ? (
                  <PersonName id={member.userId} username="" />
                ) : (
                  <button
                    type="button"
                    className={styles.person}
                    aria-haspopup="dialog"
                    onClick={() => setShown(member)}
                  >
                    <PersonName id={member.userId} username={member.username} />
                  </button>
                )}{' '}
                {member.userId === me.id && words.you}
              </span>
              {member.role !== 'member' && <span className={styles.role}>{words.roles[member.role]}</span>}
              {about && (
                <MemberMenu
                  member={member}
                  about={about}
                  onRole={(role) =>
                    action.run(async () => {
                      await client.setRole(conversation.id, member.userId, role)
                      onChanged()
                    })
                  }
                  onAsk={(what) => setAsking({ what, member })}
                />
              )}
            </li>
          )
        })}
      </ul>
      {shown && <ProfileDialog id={shown.userId} username={shown.username} onClose={() => setShown(undefined)} />}
      {asking?.what === 'remove' && (
        <Confirm
          title={words.removeTitle(asking.member.username)}
          text={words.removeText}
          act={words.remove}
          onAct={async () => {
            await client.removeMember(conversation.id, asking.member.userId)
            close()
            onChanged()
          }}
          onClose={close}
        />
      )}
      {asking?.what === 'handOver' && (
        <Confirm
          title={words.handOverTitle(asking.member.username)}
          text={words.handOverText}
          act={words.handOver}
          onAct={async () => {
            await client.setRole(conversation.id, asking.member.userId, 'owner')
            close()
            onChanged()
          }}
          onClose={close}
        />
      )}
      {action.error && (
        <Modal title={words.members} onClose={() => action.say(undefined)}>
          <Problem>{action.error}</Problem>
        </Modal>
      )}
    </>
  )
}

function MemberMenu({
  member,
  about,
  onRole,
  onAsk,
}: {
  member: MemberItem
  about: MemberRights
  onRole: (role: 'admin' | 'member') => void
  onAsk: (what: 'remove' | 'handOver') => void
}) {
  const words = strings.group
  const { role } = about
  return (
    <Menu.Root>
      <Menu.Trigger
        className={styles.open}
        aria-label={words.menu(member.username)}
        title={words.menu(member.username)}
      >
        <Icon name="more" size={18} />
      </Menu.Trigger>
      <MenuPopup align="end">
        {role && <MenuItem icon="key" label={words.makes[role]} onClick={() => onRole(role)} />}
        {about.handOver && <MenuItem icon="group" label={words.handOver} onClick={() => onAsk('handOver')} />}
        {about.remove && (
          <>
            {(role || about.handOver) && <MenuLine />}
            <MenuItem icon="leave" label={words.remove} danger onClick={() => onAsk('remove')} />
          </>
        )}
      </MenuPopup>
    </Menu.Root>
  )
}
