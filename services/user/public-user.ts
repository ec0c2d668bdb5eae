import type { PublicUser } from '@parley/protocol/user'
import type { ProfileStore, StoredProfile } from './store/profiles.ts'
import type { Account } from './store/store.ts'

type Named = Pick<Account, 'id' | 'username'>

/** These accounts (at most 500) as anyone who may see them does, in their order. */
export type PublicUsers = (accounts: readonly Named[]) => Promise<PublicUser[]>

export function openPublicUsers(profiles: Pick<ProfileStore, 'find'>): PublicUsers {
  return async (accounts) => {
    const rows = accounts.length > 0 ? await profiles.find(accounts.map(({ id }) => id)) : []
    const byUser = new Map(rows.map((row) => [row.userId, row]))
    return accounts.map((account) => publicUser(account, byUser.get(account.id)))
  }
}

/** What anyone who may see a user at all may know of that user. */
export function publicUser({ id, username }: Named, profile: StoredProfile | undefined): PublicUser {
  if (!profile) return { id, username }
  const { displayName, colour, viewRevs } = profile
  return {
    id,
    username,
    ...(displayName !== null && { displayName }),
    ...(colour !== null && { colour }),
    ...(viewRevs.other > 0 && { rev: viewRevs.other }),
  }
}
