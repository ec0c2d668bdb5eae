import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import {
  CONTACT_LISTS,
  type ContactItem,
  type ContactList,
  type ContactPage,
  type ContactSide,
} from '@parley/protocol/contact'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Onlooker } from '@parley/protocol/profile'
import type { PublicUser } from '@parley/protocol/user'
import type { Accounts } from './accounts.ts'
import type { UserLimits } from './config.ts'
import { type Act, act, type Bond, otherSide, type Refusal, type Side, STRANGERS, standingOf } from './friendship.ts'
import type { PublicUsers } from './public-user.ts'
import {
  type ContactStore,
  EVERYBODY,
  listsOf,
  type Pair,
  type PairSide,
  pairKey,
  sideOf,
  usersOf,
} from './store/contacts.ts'
import type { Throttle } from './throttle.ts'

/** Friends, requests and blocks. Every act may be repeated: it then changes nothing and gives how things stand. */
export interface Contacts {
  /**
   * Does something with another user. Throws `not_found` for someone unknown, and for who has blocked one; `action.forbidden` for
   * a request to whom one has blocked oneself, or above a limit. A block is known to the bus when it resolves: else it is
   * `unavailable`, and to be sent again.
   */
  act(userId: string, otherId: string, what: Act): Promise<ContactItem>
  /** How one stands with another; `not_found` for someone unknown, and for who has blocked one. */
  get(userId: string, otherId: string): Promise<ContactItem>
  /** A page of one list, after that user's id. */
  list(userId: string, list: ContactList, after: string | undefined, limit: number): Promise<ContactPage>
  /** Those of these users (at most 500) who have blocked one: to be answered for as if they did not exist. */
  hiding(userId: string, otherIds: readonly string[]): Promise<Set<string>>
  /** Those of these users (at most 500) who are one's friends. */
  friendsOf(userId: string, otherIds: readonly string[]): Promise<Set<string>>
  /** How one stands with these users (at most 500) as far as profiles go; without those who have blocked one, and those whom one has blocked. */
  onlookers(userId: string, otherIds: readonly string[]): Promise<Map<string, Onlooker>>
  /** Of these pairs (at most 200) those that there is anything between: whether they are friends. */
  friends: UserDirectory['friends']
  /** Takes a user who is no more out of everybody's lists, blocks too; the others hear of it. May be done again. */
  forget(userId: string): Promise<void>
  /** Makes strangers of these two, of whom one is no more. May be done again. */
  part(key: string): Promise<void>
  /** Every block there is, in pages: for the services that keep to them. */
  blocks: UserDirectory['blocks']
}

const ATTEMPTS = 20
const PAGE = 500

export function openContacts(needs: {
  contacts: ContactStore
  accounts: Pick<Accounts, 'find'>
  publicUsers: PublicUsers
  throttle: Throttle
  limits: UserLimits
  /** Tells the bus of a pair; resolves when it has confirmed. */
  tell(pair: Pair): Promise<void>
  /** Called when something was stored that is to be told. */
  changed(): void
}): Contacts {
  const { contacts, accounts, publicUsers, throttle, limits, tell, changed } = needs

  async function find(key: string): Promise<Pair> {
    const [found] = await contacts.find([key])
    return found ?? strangers(key)
  }

  /** Decides on the pair as it is and writes what was decided; decides again where another came first. */
  async function decide(userId: string, otherId: string, what: Act): Promise<Pair> {
    const key = pairKey(userId, otherId)
    const side = sideOf(key, userId)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const pair = await find(key)
      const done = act(pair, side, what)
      if (typeof done === 'string') throw refused(done)
      if (done === pair) return pair
      await mustHaveRoom(userId, otherId, what)
      const next = moved(pair, done)
      if (await contacts.save(next)) return next
      await delay(Math.random() * Math.min(50, 4 * attempt))
    }
    throw new Fault('unavailable', 'That changes too fast: try again', { retryAfterMs: 200 })
  }

  async function mustHaveRoom(userId: string, otherId: string, what: Act): Promise<void> {
    if (what === 'request') {
      await mustBeBelow(userId, 'outgoing', limits.outgoingRequestsPerUser, 'There are too many unanswered requests')
      await mustBeBelow(otherId, 'incoming', limits.incomingRequestsPerUser, 'Nobody can ask that user now')
    }
    if (what === 'request' || what === 'accept')
      await mustBeBelow(userId, 'friends', limits.friendsPerUser, 'There are too many contacts')
    if (what === 'block') await mustBeBelow(userId, 'blocked', limits.blocksPerUser, 'There are too many blocks')
  }

  /** Makes the two strangers, without a block. */
  async function part(key: string): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const pair = await find(key)
      if (listsOf(key, pair).length === 0) return
      if (await contacts.save(moved(pair, STRANGERS))) return changed()
      await delay(Math.random() * Math.min(50, 4 * attempt))
    }
    throw new Fault('unavailable', 'That changes too fast: try again', { retryAfterMs: 200 })
  }

  async function mustBeBelow(userId: string, list: ContactList, most: number, text: string): Promise<void> {
    if ((await contacts.count(userId, list, most)) >= most) throw new Fault('action.forbidden', text)
  }

  async function named(userId: string, pairs: readonly Pair[]): Promise<ContactItem[]> {
    const others = pairs.map(({ key }) => usersOf(key)[otherSide(sideOf(key, userId))])
    const people = new Map((await publicUsers(await accounts.find(others))).map((person) => [person.id, person]))
    return pairs.map((pair, i) => itemOf(pair, userId, people.get(others[i]!)))
  }

  async function mustExist(userId: string, otherId: string): Promise<void> {
    const [other] = userId === otherId ? [] : await accounts.find([otherId])
    if (!other) throw nobody()
  }

  return {
    async act(userId, otherId, what) {
      await throttle.contactChange(userId)
      await mustExist(userId, otherId)
      const pair = await decide(userId, otherId, what)
      // Deleted meanwhile: whoever clears up after that may have looked before this was there.
      if ((await accounts.find([userId, otherId])).length < 2) {
        await part(pair.key)
        throw nobody()
      }
      if (what === 'block' && pair.toldRev < pair.rev) await tell(pair)
      else changed()
      return (await named(userId, [pair]))[0]!
    },

    async get(userId, otherId) {
      await throttle.lookUp(userId)
      await mustExist(userId, otherId)
      const pair = await find(pairKey(userId, otherId))
      const side = sideOf(pair.key, userId)
      if (pair[otherSide(side)].blocks && !pair[side].blocks) throw nobody()
      return (await named(userId, [pair]))[0]!
    },

    async list(userId, list, after, limit) {
      const afterKey = after === undefined ? undefined : pairKey(userId, after)
      const pairs = await contacts.list(userId, list, afterKey, limit + 1)
      const items = await named(userId, pairs.slice(0, limit))
      return { items, ...(pairs.length > limit && { nextCursor: items.at(-1)!.userId }) }
    },

    part,

    async forget(userId) {
      for (const list of CONTACT_LISTS)
        for (;;) {
          const pairs = await contacts.list(userId, list, undefined, PAGE)
          for (const { key } of pairs) await part(key)
          if (pairs.length < PAGE) break
        }
      // Those who blocked the user are in no list of the user's.
      for (let after: string | undefined; ; ) {
        const pairs = await contacts.list(EVERYBODY, 'blocked', after, PAGE)
        for (const { key } of pairs) if (key.includes(userId)) await part(key)
        after = pairs.at(-1)?.key
        if (pairs.length < PAGE) break
      }
    },

    async hiding(userId, otherIds) {
      const others = otherIds.filter((id) => id !== userId)
      const pairs = await contacts.find(others.map((other) => pairKey(userId, other)))
      const hidden = pairs.filter((pair) => pair[otherSide(sideOf(pair.key, userId))].blocks)
      return new Set(hidden.map(({ key }) => usersOf(key)[otherSide(sideOf(key, userId))]))
    },

    async friendsOf(userId, otherIds) {
      const pairs = otherIds.length > 0 ? await contacts.find(otherIds.map((other) => pairKey(userId, other))) : []
      const friends = pairs.filter((pair) => standingOf(pair, 'low') === 'friends')
      return new Set(friends.map(({ key }) => usersOf(key)[otherSide(sideOf(key, userId))]))
    },

    async onlookers(userId, otherIds) {
      const others = otherIds.filter((other) => other !== userId)
      const pairs = others.length > 0 ? await contacts.find(others.map((other) => pairKey(userId, other))) : []
      const onlookers = new Map<string, Onlooker>(otherIds.map((id) => [id, id === userId ? 'owner' : 'other']))
      for (const pair of pairs) {
        const other = usersOf(pair.key)[otherSide(sideOf(pair.key, userId))]
        if (pair.low.blocks || pair.high.blocks) onlookers.delete(other)
        else if (standingOf(pair, 'low') === 'friends') onlookers.set(other, 'friend')
      }
      return onlookers
    },

    async friends(asked) {
      const pairs = await contacts.find(asked.map(([one, other]) => pairKey(one, other)))
      return pairs.map((pair) => {
        const { low, high } = usersOf(pair.key)
        return { users: [low, high] as [string, string], rev: pair.rev, friends: standingOf(pair, 'low') === 'friends' }
      })
    },

    async blocks(after, limit) {
      const pairs = await contacts.list(EVERYBODY, 'blocked', after, limit)
      const items = pairs.map(({ key, rev, low, high }) => {
        const users = usersOf(key)
        return {
          users: [users.low, users.high] as [string, string],
          rev,
          by: [...(low.blocks ? [users.low] : []), ...(high.blocks ? [users.high] : [])],
        }
      })
      return { items, ...(pairs.length === limit && { next: pairs.at(-1)!.key }) }
    },
  }
}

/** The pair after a change: each side's count goes up only where that side sees one, so that it cannot tell that it was blocked. */
function moved(pair: Pair, bond: Bond): Pair {
  const rev = pair.rev + 1
  const now = new Date().toISOString()
  const sideAfter = (side: Side): PairSide => {
    const same = standingOf(pair, side) === standingOf(bond, side) && pair[side].blocks === bond[side].blocks
    const { seen, changedIn, changedAt } = pair[side]
    const change = same ? { seen, changedIn, changedAt } : { seen: seen + 1, changedIn: rev, changedAt: now }
    return { ...bond[side], ...change }
  }
  return { ...pair, rev, low: sideAfter('low'), high: sideAfter('high') }
}

function strangers(key: string): Pair {
  const unseen = { seen: 0, changedIn: 0, changedAt: '' }
  return { key, rev: 0, low: { ...STRANGERS.low, ...unseen }, high: { ...STRANGERS.high, ...unseen }, toldRev: 0 }
}

function itemOf(pair: Pair, userId: string, person: PublicUser | undefined): ContactItem {
  const side = sideOf(pair.key, userId)
  const { username = '', displayName, colour } = person ?? {}
  return {
    userId: usersOf(pair.key)[otherSide(side)],
    username,
    ...(displayName !== undefined && { displayName }),
    ...(colour !== undefined && { colour }),
    ...viewOf(pair, side),
  }
}

/** What one side sees of the other, but who that is. */
export function viewOf(pair: Pair, side: Side): ContactSide['view'] {
  const { blocks, seen, changedAt } = pair[side]
  return { status: standingOf(pair, side), blocked: blocks, rev: seen, ...(seen > 0 && { changedAt }) }
}

/** What is said of who does not exist, and of who has blocked the asker. */
const nobody = (): Fault => new Fault('not_found', 'There is no such user')

function refused(refusal: Refusal): Fault {
  switch (refusal) {
    case 'hidden':
      return nobody()
    case 'blocked':
      return new Fault('action.forbidden', 'You have blocked this person: unblock them first')
    case 'unasked':
      return new Fault('not_found', 'There is no request from this person')
    default:
      return refusal satisfies never
  }
}
