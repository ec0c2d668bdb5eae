import type { Accounts, Registration } from './accounts.ts'
import type { AccountStore } from './store/store.ts'

const DEMO_USERS: readonly Registration[] = [
  { username: 'ann', email: 'ann@example.com', password: 'ann-in-parley' },
  { username: 'ben', email: 'ben@example.com', password: 'ben-in-parley' },
]

/**
 * Registers two users to try Parley with, on a store that has no others; nothing on any other. What an interrupted first start
 * left out is added by the next. `users` is empty unless some were added just now.
 */
export async function seedDemo(
  accounts: Accounts,
  users: AccountStore,
): Promise<{ created: boolean; users: Registration[] }> {
  const there = await Promise.all(DEMO_USERS.map(({ username }) => accounts.findByName(username)))
  const missing = DEMO_USERS.filter((_, i) => !there[i])
  const foreign = (await users.count(DEMO_USERS.length + 1)) > DEMO_USERS.length - missing.length
  if (foreign || missing.length === 0) return { created: false, users: [] }
  await Promise.all(missing.map((user) => accounts.register(user, { address: 'demo' })))
  return { created: true, users: [...DEMO_USERS] }
}
