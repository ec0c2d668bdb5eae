import type { Role } from '@parley/protocol/conversation'
import { type Action, may, mayRemove } from '@parley/protocol/rights'
import type { ConversationView } from '@parley/sdk/types'
import type { Row } from './rows.ts'

/** What one may do in a group, by the table of `rights.ts`. The server decides; this only hides what it would refuse. */
export interface GroupRights {
  /** Title and description. */
  change: boolean
  add: boolean
  leave: boolean
  invite: boolean
  /** What one may do about another member; undefined where that is nothing. */
  about(member: { userId: string; role: Role }): MemberRights | undefined
}

export interface MemberRights {
  /** What one may make of the member; not `owner`, which is `handOver`. */
  role?: 'admin' | 'member'
  handOver: boolean
  remove: boolean
}

/** The rights of `meId` in the conversation. */
export function rights(conversation: ConversationView, meId: string): GroupRights {
  const group = conversation.kind === 'group'
  const { role } = conversation.me
  const can = (action: Action) => may(role, conversation.kind, action)
  return {
    change: can('details.change'),
    add: can('members.add'),
    leave: group,
    invite: can('invites.manage'),
    about(member) {
      if (!group || member.userId === meId) return undefined
      const changes = can('members.role') && member.role !== 'owner'
      const about = {
        ...(changes && { role: member.role === 'admin' ? ('member' as const) : ('admin' as const) }),
        handOver: can('members.handOver') && member.role !== 'owner',
        remove: mayRemove(role, member.role),
      }
      return about.role || about.handOver || about.remove ? about : undefined
    },
  }
}

/** What one may do with a message of the conversation; undefined where nothing can be done: it is deleted, or not stored yet. */
export function messageRights(
  conversation: ConversationView,
  row: Row,
): { edit: boolean; delete: boolean } | undefined {
  if (row.deleted || row.seq === undefined) return undefined
  return { edit: row.mine, delete: row.mine || may(conversation.me.role, conversation.kind, 'message.delete') }
}
