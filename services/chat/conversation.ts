import type { ChangeEntry, Entry, Role } from '@parley/protocol/conversation'

/** A member, and the window of the log that membership opens (P6: from the join on). */
export interface Member {
  userId: string
  role: Role
  /** First message and first entry that this member may see. */
  fromSeq: number
  fromRev: number
}

/** A link by which people come in. It is in force while it is neither used up nor past its end. */
export interface Invite {
  id: string
  createdBy: string
  /** RFC 3339; `null`: without an end. */
  expiresAt: string | null
  /** How many it lets in, `null`: any number; and how many came. */
  maxUses: number | null
  uses: number
}

/** Does it let anybody in at that time? Once it does not it never does again. */
export function isOpen({ expiresAt, maxUses, uses }: Invite, at: number): boolean {
  return (expiresAt === null || Date.parse(expiresAt) > at) && (maxUses === null || uses < maxUses)
}

/** A conversation as its log says it is at `rev`. Immutable: a change makes a new one. */
export interface Conversation {
  id: string
  kind: 'direct' | 'group'
  title: string
  description: string
  rev: number
  headSeq: number
  membersRev: number
  createdAt: string
  /** In order of joining. */
  members: ReadonlyMap<string, Member>
  /** Messages disappear so long after they were sent; `null`: they stay. */
  disappearAfterMs: number | null
  /** By `seq`, the latest pinned last. One that is deleted stays here, and whoever shows them leaves it out. */
  pinned: readonly number[]
  /** Not revoked, the latest last; those that ended go with the next that is made. */
  invites: readonly Invite[]
  /** Who has opened a direct conversation; nobody is told of it before something is said. Empty where it was opened by an older release. */
  openedBy: readonly string[]
  /** Removed by another, and not added again since: no invite lets them in. The latest last; the oldest are forgotten. */
  barred: readonly string[]
}

/** What a conversation has beside its members and title when nothing of it was ever set. */
export const NOTHING_MORE = {
  description: '',
  disappearAfterMs: null,
  pinned: [],
  invites: [],
  barred: [],
  openedBy: [],
} as const satisfies Partial<Conversation>

/** As long as nothing was said in a direct conversation, for who has not opened it there is none (P6). */
export function isHiddenFrom({ kind, headSeq, openedBy }: Conversation, userId: string): boolean {
  return headSeq === 0 && kind === 'direct' && openedBy.length > 0 && !openedBy.includes(userId)
}

const MOST_BARRED = 1_000

/**
 * Does an entry of that kind change who may do what, or on what terms? Then it raises `membersRev`, and an append that was
 * authorized before it is stale.
 */
export function changesTerms(kind: ChangeEntry['kind']): boolean {
  switch (kind) {
    case 'created':
    case 'members.added':
    case 'members.removed':
    case 'members.role':
    case 'invite.revoked':
    case 'timer.changed':
      return true
    default:
      return false
  }
}

/** What `entry`, the next of the log, makes of the conversation. `before` is undefined only for `created`. Pure: every store and projection folds with it. */
export function applyEntry(before: Conversation | undefined, entry: Entry): Conversation {
  const head = { rev: entry.rev, headSeq: entry.headSeq, membersRev: entry.membersRev }
  if (entry.kind === 'created') {
    const members = entry.members.map((m): [string, Member] => [m.userId, { ...m, fromSeq: 1, fromRev: 1 }])
    return {
      ...NOTHING_MORE,
      id: entry.conversationId,
      kind: entry.conversationKind,
      title: entry.title,
      createdAt: entry.createdAt,
      ...head,
      members: new Map(members),
      ...(entry.conversationKind === 'direct' && { openedBy: [entry.senderId] }),
    }
  }
  if (!before) throw new Error(`entry ${entry.rev} of ${entry.conversationId} has nothing before it`)
  const next = { ...before, ...head }
  switch (entry.kind) {
    case 'message':
    case 'message.edited':
    case 'message.deleted':
    case 'message.reacted':
    case 'message.hidden':
      return next
    case 'opened':
      return { ...next, openedBy: [...new Set([...before.openedBy, entry.senderId])] }
    case 'renamed':
      return { ...next, title: entry.title }
    case 'described':
      return { ...next, description: entry.description }
    case 'timer.changed':
      return { ...next, disappearAfterMs: entry.disappearAfterMs }
    case 'message.pinned': {
      const others = before.pinned.filter((seq) => seq !== entry.seq)
      return { ...next, pinned: entry.on ? [...others, entry.seq] : others }
    }
    case 'invite.created': {
      const { inviteId, senderId, expiresAt, maxUses } = entry
      const invite: Invite = { id: inviteId, createdBy: senderId, expiresAt, maxUses, uses: 0 }
      // So that there are never more than can be in force at once.
      const open = before.invites.filter((one) => isOpen(one, Date.parse(entry.createdAt)))
      return { ...next, invites: [...open, invite] }
    }
    case 'invite.revoked':
      return { ...next, invites: before.invites.filter(({ id }) => id !== entry.inviteId) }
    case 'members.added':
      return { ...next, ...withAdded(before, entry) }
    case 'members.removed':
      return { ...next, ...withRemoved(before, entry) }
    case 'members.role':
      return { ...next, members: withRole(before.members, entry) }
    default:
      throw new Error(`unknown entry ${(entry satisfies never as Entry).kind}`)
  }
}

type Of<Kind extends ChangeEntry['kind']> = Extract<ChangeEntry, { kind: Kind }>

function withAdded(before: Conversation, { userIds, inviteId, headSeq, rev }: Of<'members.added'>) {
  const members = new Map(before.members)
  const role = 'member'
  for (const userId of userIds)
    if (!members.has(userId)) members.set(userId, { userId, role, fromSeq: headSeq + 1, fromRev: rev })
  return {
    members,
    barred: before.barred.filter((userId) => !userIds.includes(userId)),
    invites: before.invites.map((invite) => (invite.id === inviteId ? { ...invite, uses: invite.uses + 1 } : invite)),
  }
}

function withRemoved(before: Conversation, { userIds, senderId }: Of<'members.removed'>) {
  const members = new Map(before.members)
  for (const userId of userIds) members.delete(userId)
  const all = [...members.values()]
  const heir = all.some(({ role }) => role === 'owner')
    ? undefined
    : (all.find(({ role }) => role === 'admin') ?? all[0])
  if (heir) members.set(heir.userId, { ...heir, role: 'owner' })
  const removed = userIds.filter((userId) => userId !== senderId)
  const others = before.barred.filter((userId) => !removed.includes(userId))
  return { members, barred: [...others, ...removed].slice(-MOST_BARRED) }
}

function withRole(before: Conversation['members'], { userId, role }: Of<'members.role'>): Map<string, Member> {
  const members = new Map(before)
  const member = members.get(userId)
  // The owner is one until another becomes it: there is always one.
  if (!member || member.role === 'owner') return members
  if (role === 'owner')
    for (const other of before.values())
      if (other.role === 'owner') members.set(other.userId, { ...other, role: 'admin' })
  members.set(userId, { ...member, role })
  return members
}
