import type { ConversationView } from '@parley/sdk/types'
import type { Row } from './rows.ts'

/** What one may do in a group: its owner removes and renames, every member adds and leaves. The server decides; this only hides what it would refuse. */
export interface GroupRights {
  rename: boolean
  add: boolean
  leave: boolean
  remove(userId: string): boolean
}

/** The rights of `meId` in the conversation. */
export function rights(conversation: ConversationView, meId: string): GroupRights {
  const group = conversation.kind === 'group'
  const owner = group && conversation.me.role === 'owner'
  return { rename: owner, add: group, leave: group, remove: (userId) => owner && userId !== meId }
}

/** What one may do with a message of the conversation; undefined where nothing can be done: it is deleted, or not stored yet. */
export function messageRights(
  conversation: ConversationView,
  row: Row,
): { edit: boolean; delete: boolean } | undefined {
  if (row.deleted || row.seq === undefined) return undefined
  const owner = conversation.kind === 'group' && conversation.me.role === 'owner'
  return { edit: row.mine, delete: row.mine || owner }
}
