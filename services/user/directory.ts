import type { UserDirectory } from '@parley/protocol/internal'
import type { Accounts } from './accounts.ts'
import type { Contacts } from './contacts.ts'
import type { Control } from './control.ts'
import type { Profiles } from './profiles.ts'
import type { PublicUsers } from './public-user.ts'
import type { Tokens } from './tokens.ts'

/** What this service answers to its siblings in the same process; `internal-routes.ts` answers the same over HTTP. */
export function openDirectory(needs: {
  accounts: Accounts
  publicUsers: PublicUsers
  contacts: Contacts
  profiles: Profiles
  control: Control
  tokens: Tokens
}): UserDirectory {
  return {
    find: async (ids) => needs.publicUsers(await needs.accounts.find(ids)),
    async findByName(username) {
      const account = await needs.accounts.findByName(username)
      return account && (await needs.publicUsers([account]))[0]
    },
    async mailbox(userId) {
      const [account] = await needs.accounts.find([userId])
      return account && { username: account.username, email: account.email }
    },
    control: (after, limit) => needs.control.read(after, limit),
    blocks: (after, limit) => needs.contacts.blocks(after, limit),
    privacy: (after, limit) => needs.profiles.privacy(after, limit),
    friends: (pairs) => needs.contacts.friends(pairs),
    jwks: async () => needs.tokens.jwks(),
  }
}
