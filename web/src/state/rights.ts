import type { ConversationView } from '@parley/sdk/types'

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
