import { type Conversation, NOTHING_MORE } from '../conversation.ts'

/** A group of these, all there from its beginning, with some messages in it. */
export function groupOf(userIds: readonly string[], id = 'group'): Conversation {
  const members = userIds.map((userId) => ({ userId, role: 'member' as const, fromSeq: 1, fromRev: 1 }))
  return {
    ...NOTHING_MORE,
    id,
    kind: 'group',
    title: '',
    rev: 11,
    headSeq: 10,
    membersRev: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    members: new Map(members.map((member) => [member.userId, member])),
  }
}
