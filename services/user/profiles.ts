import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import type { PersonChange } from '@parley/protocol/events'
import type { UserDirectory } from '@parley/protocol/internal'
import {
  type HeldProfile,
  hasPassed,
  NEW_PROFILE,
  type Onlooker,
  type Profile,
  type ProfileChange,
  type ProfileChanges,
  type ProfileView,
  privacyOf,
  seenOf,
  withProfileChange,
} from '@parley/protocol/profile'
import type { Accounts } from './accounts.ts'
import type { Contacts } from './contacts.ts'
import { publicUser } from './public-user.ts'
import type { DeletionStore } from './store/deletions.ts'
import type { ProfileStore, StoredProfile } from './store/profiles.ts'
import type { Account } from './store/store.ts'
import type { Throttle } from './throttle.ts'

/** What users say of themselves, each asker within what is for that asker to see. */
export interface Profiles {
  own(userId: string): Promise<Profile>
  /**
   * Changes some of it. Changing nothing is no change. What is kept from others is known to the bus when it resolves: else it
   * is `unavailable`, and to be sent again. `auth.invalid`, and nothing is kept, where the account is no more.
   */
  change(userId: string, change: ProfileChange): Promise<Profile>
  /** Another's, as far as that asker may see it; `not_found` for someone unknown, and for who has blocked the asker. */
  view(askerId: string, userId: string): Promise<ProfileView>
  /**
   * Of these users (at most 500) and what a device holds of each, what it should hold instead: of those only whom the asker
   * sees otherwise; and who has deleted the account. Who is unknown, or blocks or is blocked, is in neither.
   */
  changes(askerId: string, held: readonly HeldProfile[]): Promise<ProfileChanges>
  /** Those of these accounts (at most 500) whom that asker may look up by name. */
  findable(askerId: string, accounts: readonly Account[]): Promise<Account[]>
  /** Everybody who keeps something back, in pages: for the services that keep to it. */
  privacy: UserDirectory['privacy']
}

const ATTEMPTS = 20

export function openProfiles(needs: {
  profiles: ProfileStore
  deletions: Pick<DeletionStore, 'gone'>
  accounts: Pick<Accounts, 'find'>
  contacts: Pick<Contacts, 'onlookers' | 'hiding' | 'friendsOf'>
  throttle: Throttle
  /** Tells the bus of a profile; resolves when it has confirmed. */
  tell(profile: StoredProfile): Promise<void>
  /** Called when something was stored that is to be told. */
  changed(): void
}): Profiles {
  const { profiles, deletions, accounts, contacts, throttle, tell, changed } = needs

  async function find(userId: string): Promise<StoredProfile> {
    const [found] = await profiles.find([userId])
    return found ?? unset(userId)
  }

  /** Changes the profile as it is and writes that; changes it again where another came first, so that no field of the other is lost. */
  async function write(userId: string, change: ProfileChange): Promise<StoredProfile> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await find(userId)
      const profile = ownOf(before)
      const after = withProfileChange(profile, change)
      if (after === profile) return before
      const next: StoredProfile = {
        ...before,
        ...after,
        rev: before.rev + 1,
        viewRevs: {
          friend: before.viewRevs.friend + movedBy(profile, after, 'friend'),
          other: before.viewRevs.other + movedBy(profile, after, 'other'),
        },
      }
      if (await profiles.save(next)) return next
      await delay(Math.random() * Math.min(50, 4 * attempt))
    }
    throw new Fault('unavailable', 'Your profile changes too fast: try again', { retryAfterMs: 200 })
  }

  /** Of those whom that asker may see. */
  async function views(askerId: string, userIds: readonly string[]): Promise<ProfileView[]> {
    const onlookers = await contacts.onlookers(askerId, [...new Set(userIds)])
    const seen = [...onlookers.keys()]
    const [found, rows] = await Promise.all([accounts.find(seen), profiles.find(seen)])
    const byUser = new Map(rows.map((row) => [row.userId, row]))
    const now = new Date()
    return found.map((account) => viewOf(account, byUser.get(account.id), onlookers.get(account.id)!, now))
  }

  return {
    own: async (userId) => ownOf(await find(userId)),

    async change(userId, change) {
      await throttle.profileChange(userId)
      const profile = await write(userId, change)
      // Deleted meanwhile, and this may have come after what clears up. Where this process dies first, the relay finds the row.
      if ((await accounts.find([userId])).length === 0) {
        await profiles.erase(userId)
        throw new Fault('auth.invalid', 'The session is over: log in')
      }
      if (keepsBack(change) && profile.toldRev < profile.rev) await tell(profile)
      else changed()
      return ownOf(profile)
    },

    async view(askerId, userId) {
      await throttle.lookUp(askerId)
      const [view] = await views(askerId, [userId])
      if (!view) throw new Fault('not_found', 'There is no such user')
      return view
    },

    async changes(askerId, held) {
      await throttle.lookUp(askerId)
      const ids = [...new Set(held.map(({ id }) => id))]
      const [seen, gone] = await Promise.all([views(askerId, ids), deletions.gone(ids)])
      const before = new Map(held.map((one) => [one.id, one]))
      const items = seen.filter(({ id, viewRev, friend = false }) => {
        const one = before.get(id)!
        return one.viewRev !== viewRev || (one.friend ?? false) !== friend
      })
      return { items, gone }
    },

    async findable(askerId, found) {
      const hiding = await contacts.hiding(
        askerId,
        found.map(({ id }) => id),
      )
      const seen = found.filter(({ id }) => !hiding.has(id))
      const kept = (await profiles.find(seen.map(({ id }) => id))).filter(({ findable }) => findable === 'nobody')
      const shy = new Set(kept.map(({ userId }) => userId))
      shy.delete(askerId)
      const friends = await contacts.friendsOf(askerId, [...shy])
      return seen.filter(({ id }) => !shy.has(id) || friends.has(id))
    },

    async privacy(after, limit) {
      const found = await profiles.keepingBack(after, limit)
      const items = found.map(({ userId, rev, ...profile }) => ({ userId, rev, ...privacyOf({ rev, ...profile }) }))
      return { items, ...(found.length === limit && { next: found.at(-1)!.userId }) }
    },
  }
}

/** What the bus is told of a profile. */
export function personChange(account: Pick<Account, 'id' | 'username'>, profile: StoredProfile): PersonChange {
  const view = (onlooker: 'friend' | 'other'): PersonChange['views']['other'] => ({
    // With a status that is over: devices know when it is, and the event is the same whenever it is made.
    ...seenOf(profile, onlooker, new Date(0)),
    viewRev: profile.viewRevs[onlooker],
    ...(onlooker === 'friend' && { friend: true as const }),
  })
  return {
    person: publicUser(account, profile),
    views: { friend: view('friend'), other: view('other') },
    privacy: privacyOf(profile),
  }
}

function viewOf(account: Account, found: StoredProfile | undefined, onlooker: Onlooker, now: Date): ProfileView {
  const profile = found ?? unset(account.id)
  const viewRev = onlooker === 'owner' ? profile.rev : profile.viewRevs[onlooker]
  const seen = seenOf(profile, onlooker, now)
  return { ...publicUser(account, profile), ...seen, viewRev, ...(onlooker === 'friend' && { friend: true }) }
}

const unset = (userId: string): StoredProfile => ({
  userId,
  ...NEW_PROFILE,
  viewRevs: { friend: 0, other: 0 },
  toldRev: 0,
})

/** 1 where that onlooker sees something else after the change, and 0 where not. */
function movedBy(before: Profile, after: Profile, onlooker: 'friend' | 'other'): 0 | 1 {
  const seen = (profile: Profile): string =>
    JSON.stringify([profile.displayName, profile.colour, seenOf(profile, onlooker, new Date(0))])
  return seen(before) === seen(after) ? 0 : 1
}

/** Does it say what is not told to others? Then it must hold before it is answered. */
const keepsBack = ({ privateReceipts, privatePresence, visibility }: ProfileChange): boolean =>
  privateReceipts !== undefined || privatePresence !== undefined || visibility?.lastSeen !== undefined

/** Without what only the store needs, and without a status that is over. */
function ownOf({ userId: _, viewRevs: __, toldRev: ___, ...profile }: StoredProfile): Profile {
  return profile.status && hasPassed(profile.status, new Date()) ? { ...profile, status: null } : profile
}
