import { createHash } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import type { BusEvent } from '@parley/protocol/events'
import type { Accounts } from './accounts.ts'
import { personChange } from './profiles.ts'
import type { Outbox } from './relay.ts'
import type { ProfileStore, StoredProfile } from './store/profiles.ts'

/** Tells the bus of every profile that changed: by and by, by the relay, and `tell` at once. */
export interface ProfileOutbox extends Outbox {
  /** Resolves when the bus has confirmed it; rejects `unavailable` when it did not, and the relay goes on trying. */
  tell(profile: StoredProfile): Promise<void>
}

export function profileOutbox(profiles: ProfileStore, accounts: Pick<Accounts, 'find'>, bus: Bus): ProfileOutbox {
  async function events(found: readonly StoredProfile[]): Promise<BusEvent[]> {
    const named = new Map((await accounts.find(found.map(({ userId }) => userId))).map((each) => [each.id, each]))
    // Of who is gone there is nothing to tell, nor to keep: written while the account was deleted, by a process that died then.
    for (const { userId } of found) if (!named.has(userId)) await profiles.erase(userId)
    return found.flatMap((profile) => {
      const account = named.get(profile.userId)
      return account ? [userChanged(account, profile)] : []
    })
  }

  return {
    waiting: async (limit) => events(await profiles.untold(limit)),
    told: (told) => profiles.told(told.map(({ key, rev }) => ({ userId: key, rev }))),
    async tell(profile) {
      for (const event of await events([profile])) await bus.publish(event)
      await profiles.told([profile])
    },
  }
}

/** The whole of it, so that the latest is all that anyone needs. Every copy has the same id. */
function userChanged(account: { id: string; username: string }, profile: StoredProfile): BusEvent {
  const { userId: key, rev } = profile
  return {
    id: createHash('sha256').update(`${key}:profile:${rev}`).digest('hex').slice(0, 32),
    type: 'user.changed',
    version: 1,
    occurredAt: new Date().toISOString(),
    key,
    rev,
    data: personChange(account, profile),
  }
}
