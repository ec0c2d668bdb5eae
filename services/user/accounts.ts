import { createHash } from 'node:crypto'
import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import { foldName } from '@parley/protocol/fold-name'
import { v7 as newId } from 'uuid'
import { checkedEmail, foldEmail } from './email.ts'
import type { Passwords } from './passwords.ts'
import type { Account, AccountStore } from './store/store.ts'
import type { Throttle } from './throttle.ts'

export interface Accounts {
  /**
   * Adds an account. Throws `name.taken` or `email.taken`. A repeat with the same `requestKey` (`Idempotency-Key`) is answered with
   * the account of the first time, or with `idempotency.mismatch` when anything else differs; the key belongs to the e-mail address.
   */
  register(input: Registration, from: { address: string; requestKey?: string }): Promise<Account>
  /** The account of an e-mail address and its password. Throws `auth.invalid`, the same and after the same work whichever is wrong. */
  signIn(email: string, password: string, address: string): Promise<Account>
  /** Whether the account still is there, with the same password. */
  stands(account: Account): Promise<boolean>
  /** Those of them who exist. */
  find(ids: readonly string[]): Promise<Account[]>
  /** Those whose names begin so, however it is written, by name: who has exactly that name comes first. `after` is the folded name of the last one seen. */
  search(prefix: string, after: string | undefined, limit: number): Promise<Account[]>
  /** The one with that name, however it is written. */
  findByName(username: string): Promise<Account | undefined>
}

export interface Registration {
  username: string
  email: string
  password: string
}

export function openAccounts(needs: {
  users: AccountStore
  passwords: Passwords
  throttle: Throttle
  /** Called when an account was stored, so that the others hear of it. */
  registered: () => void
}): Accounts {
  const { users, passwords, throttle } = needs

  /** The account that the same request made before. */
  async function madeBefore(asked: Account, password: string): Promise<Account | undefined> {
    if (asked.requestKey === undefined) return undefined
    const made = await users.findByEmail(asked.emailKey)
    if (made?.requestKey !== asked.requestKey) return undefined
    if (made.username === asked.username && (await passwords.verify(password, made.passwordHash))) return made
    throw new Fault('idempotency.mismatch', 'That Idempotency-Key was used to register something else')
  }

  /** The account of an address, if there is one, and whether the password is its own: the same work either way. */
  async function look(emailKey: string, password: string): Promise<{ account: Account | undefined; right: boolean }> {
    const account = await users.findByEmail(emailKey)
    return { account, right: await passwords.verify(password, account?.passwordHash) }
  }

  return {
    async register({ username, email, password }, { address, requestKey }) {
      const emailForms = checkedEmail(email)
      await throttle.registration(address)
      const account: Account = {
        id: newId(),
        username,
        nameKey: foldName(username),
        ...emailForms,
        passwordHash: await passwords.hash(password),
        createdAt: new Date().toISOString(),
        ...(requestKey === undefined ? {} : { requestKey: createHash('sha256').update(requestKey).digest('hex') }),
      }
      const outcome = await users.add(account)
      if (outcome === 'added') {
        crashPoint('register.after-commit')
        needs.registered()
        return account
      }
      const before = await madeBefore(account, password)
      if (before) return before
      await throttle.taken(address)
      throw outcome === 'name.taken'
        ? new Fault('name.taken', 'Somebody has that user name: choose another')
        : new Fault('email.taken', 'There is an account with that e-mail address: log in')
    },

    async signIn(email, password, address) {
      // What is no address can belong to no account, and goes the same way as one that does not.
      const emailKey = foldEmail(email) ?? email
      const attempt = await throttle.signIn(emailKey, address)
      const { account, right } = await look(emailKey, password).catch(async (error) => {
        await attempt.undecided()
        throw error
      })
      if (!account || !right) throw new Fault('auth.invalid', 'The e-mail address or the password is wrong')
      await attempt.succeeded()
      return account
    },

    stands: async ({ id, passwordHash }) => (await users.find([id]))[0]?.passwordHash === passwordHash,
    find: (ids) => users.find(ids),
    search: (prefix, after, limit) => users.search(foldName(prefix), after, limit),
    findByName: (username) => users.findByName(foldName(username)),
  }
}
