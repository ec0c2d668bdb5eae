import type { ChangeEntry, Entry, Role } from '@parley/protocol/conversation'

/** A member, and the window of the log that membership opens (P6: from the join on). */
export interface Member {
  userId: string
  role: Role
  /** First message and first entry that this member may see. */
  fromSeq: number
  fromRev: number
}

/** A conversation as its log says it is at `rev`. Immutable: a change makes a new one. */
export interface Conversation {
  id: string
  kind: 'direct' | 'group'
  title: string
  rev: number
  headSeq: number
  membersRev: number
  createdAt: string
  /** In order of joining. */
  members: ReadonlyMap<string, Member>
}

/** What `entry`, the next of the log, makes of the conversation. `before` is undefined only for `created`. Pure: every store and projection folds with it. */
export function applyEntry(before: Conversation | undefined, entry: Entry): Conversation {
  const head = { rev: entry.rev, headSeq: entry.headSeq, membersRev: entry.membersRev }
  if (entry.kind === 'created') {
    const members = entry.members.map((m): [string, Member] => [m.userId, { ...m, fromSeq: 1, fromRev: 1 }])
    return {
      id: entry.conversationId,
      kind: entry.conversationKind,
      title: entry.title,
      createdAt: entry.createdAt,
      ...head,
      members: new Map(members),
    }
  }
  if (!before) throw new Error(`entry ${entry.rev} of ${entry.conversationId} has nothing before it`)
  switch (entry.kind) {
    case 'message':
    case 'message.edited':
    case 'message.deleted':
    case 'message.reacted':
    case 'message.hidden':
      return { ...before, ...head }
    case 'renamed':
      return { ...before, ...head, title: entry.title }
    case 'members.added':
    case 'members.removed':
      return { ...before, ...head, members: membersAfter(before, entry) }
    default:
      throw new Error(`unknown entry ${(entry satisfies never as Entry).kind}`)
  }
}

function membersAfter(
  before: Conversation,
  entry: Extract<ChangeEntry, { kind: 'members.added' | 'members.removed' }>,
): Map<string, Member> {
  const members = new Map(before.members)
  if (entry.kind === 'members.added') {
    for (const userId of entry.userIds) {
      if (!members.has(userId))
        members.set(userId, { userId, role: 'member', fromSeq: entry.headSeq + 1, fromRev: entry.rev })
    }
    return members
  }
  for (const userId of entry.userIds) members.delete(userId)
  const [eldest] = members.values()
  if (eldest && ![...members.values()].some((m) => m.role === 'owner'))
    members.set(eldest.userId, { ...eldest, role: 'owner' })
  return members
}
