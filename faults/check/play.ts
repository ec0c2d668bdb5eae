import type { LoggedEntry } from '../history.ts'

/** A member as a log says. */
export interface Standing {
  role: string
  /** The first message that is theirs to see. */
  fromSeq: number
}

/** Goes through a log: `look` sees each entry with those who are in it before, in the order of their joining. Gives those of the end. */
export function play(
  log: readonly LoggedEntry[],
  look: (entry: LoggedEntry, before: ReadonlyMap<string, Standing>) => void = () => {},
): Map<string, Standing> {
  const members = new Map<string, Standing>()
  for (const entry of log) {
    look(entry, members)
    const { kind, userIds = [], roles = {}, named, headSeq, senderId } = entry
    if (kind === 'members.removed') for (const userId of userIds) members.delete(userId)
    else
      for (const userId of userIds)
        if (!members.has(userId)) members.set(userId, { role: roles[userId] ?? 'member', fromSeq: headSeq + 1 })
    if (named?.role === 'owner') setRole(members, senderId, 'admin')
    if (named) setRole(members, named.userId, named.role)
    if (kind === 'members.removed' && ownersOf(members) === 0 && members.size > 0) {
      const ids = [...members.keys()]
      setRole(members, ids.find((id) => members.get(id)!.role === 'admin') ?? ids[0]!, 'owner')
    }
  }
  return members
}

export const ownersOf = (members: ReadonlyMap<string, Standing>): number =>
  [...members.values()].filter(({ role }) => role === 'owner').length

function setRole(members: Map<string, Standing>, userId: string, role: string): void {
  const standing = members.get(userId)
  if (standing) members.set(userId, { ...standing, role })
}
