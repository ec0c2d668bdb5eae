import type { Role } from './conversation.ts'

/**
 * Who may do what in a conversation: the whole rule, for the services, which decide by it, and for clients, which show by it what
 * there is to do. Types and plain functions, no zod. Who is no member may do nothing, and is told that there is no such conversation.
 */

const everyone = ['owner', 'admin', 'member'] as const
const leaders = ['owner', 'admin'] as const
const owner = ['owner'] as const

/** In a group. */
const GROUP_RIGHTS = {
  'message.send': everyone,
  'message.react': everyone,
  /** Of others' messages; one's own anyone may delete and edit. */
  'message.delete': leaders,
  'message.pin': leaders,
  /** That `@all` tells everybody. */
  'mention.all': leaders,
  'members.add': everyone,
  /** Of who stands below oneself: see `mayRemove`. */
  'members.remove': leaders,
  /** Making admins, and unmaking them. */
  'members.role': owner,
  /** Making another the owner. */
  'members.handOver': owner,
  'invites.manage': leaders,
  /** Title and description. */
  'details.change': leaders,
  'timer.change': leaders,
} as const satisfies Record<string, readonly Role[]>

export type Action = keyof typeof GROUP_RIGHTS

/** In a direct conversation, where both are equal and who is in it never changes. */
const DIRECT_RIGHTS: readonly Action[] = ['message.send', 'message.react', 'message.pin', 'timer.change']

/** May a member with that role do that? */
export function may(role: Role, kind: 'direct' | 'group', action: Action): boolean {
  if (kind === 'direct') return DIRECT_RIGHTS.includes(action)
  return (GROUP_RIGHTS[action] as readonly Role[]).includes(role)
}

/** May a member of a group remove one with that role? Who stands above and not beside: an admin removes no admin, nobody the owner. */
export function mayRemove(role: Role, other: Role): boolean {
  return may(role, 'group', 'members.remove') && RANK[role] > RANK[other]
}

const RANK = { owner: 2, admin: 1, member: 0 } as const satisfies Record<Role, number>
