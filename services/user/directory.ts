import type { UserDirectory } from '@parley/protocol/internal'
import type { PublicUser } from '@parley/protocol/user'
import type { Accounts } from './accounts.ts'
import type { Contacts } from './contacts.ts'
import type { Control } from './control.ts'
import type { Account } from './store/store.ts'
import type { Tokens } from './tokens.ts'

/** What this service answers to its siblings in the same process; `internal-routes.ts` answers the same over HTTP. */
export function openDirectory(needs: {
  accounts: Accounts
  contacts: Contacts
  control: Control
  tokens: Tokens
}): UserDirectory {
  return {
    find: async (ids) => (await needs.accounts.find(ids)).map(publicUser),
    async findByName(username) {
      const account = await needs.accounts.findByName(username)
      return account && publicUser(account)
    },
    control: (after, limit) => needs.control.read(after, limit),
    blocks: (after, limit) => needs.contacts.blocks(after, limit),
    jwks: async () => needs.tokens.jwks(),
  }
}

/** What anyone who is signed in may know of a user. */
export const publicUser = ({ id, username }: Account): PublicUser => ({ id, username })
