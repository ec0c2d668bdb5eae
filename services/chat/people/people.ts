import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { PublicUser } from '@parley/protocol/user'
import { GONE_REV, type PeopleStore } from '../store/store.ts'

/** Who exists, and how they are shown, as far as the chat service needs to know. */
export interface People extends AsyncDisposable {
  /** User names by id, of those who exist: who has deleted their account does not. Who is not in the projection yet is looked up once. Rejects `unavailable` when that cannot be asked. */
  find(ids: readonly string[]): Promise<Map<string, string>>
  /** Like `find`, for showing: names that cannot be had now are left out, and that of who has gone is empty. */
  names(ids: Iterable<string>): Promise<Map<string, string>>
  /** Like `names`, with what they have chosen to be shown as. */
  persons(ids: Iterable<string>): Promise<Map<string, PublicUser>>
  /** Those of these who are known without asking anybody. */
  atHand(ids: Iterable<string>): PublicUser[]
  /** Whether that user, who was known once, has deleted the account; without a wait where that is in memory. Asks this service's store alone. */
  hasGone(id: string): boolean | Promise<boolean>
  /** That user has gone. */
  forget(id: string): void
}

const MAX_CACHED = 50_000
/** A user who has just registered must not stay unknown for long. */
const UNKNOWN_FOR_MS = 2_000
/** As many as the user service answers at once. */
const LOOK_UP_AT_ONCE = 500
/** What the bus failed to tell this node is read from the store within this time. */
const FRESH_FOR_MS = 5 * 60_000

interface Known {
  person: PublicUser
  /** When it was read or heard. */
  at: number
}

/** Keeps the projection up to date from the bus: the store by the durable subscription, what this node remembers by hearing it too. */
export async function openPeople(deps: {
  store: PeopleStore
  directory: Pick<UserDirectory, 'find'>
  bus: Bus
  log: Log
}): Promise<People> {
  const { store, directory, bus, log } = deps
  const known = new Map<string, Known>()
  const unknownUntil = new Map<string, number>()
  /** What was remembered before may be old: the bus was away. */
  let freshSince = 0

  function remember(person: PublicUser): void {
    const { id } = person
    const before = known.get(id)?.person
    known.delete(id)
    if (known.size >= MAX_CACHED) known.delete(known.keys().next().value!)
    // A store that lags behind says nothing new.
    const newest = before && (before.rev ?? 0) > (person.rev ?? 0) ? before : person
    known.set(id, { person: newest, at: Date.now() })
    unknownUntil.delete(id)
  }

  function rememberUnknown(id: string): void {
    if (unknownUntil.size >= MAX_CACHED) unknownUntil.clear()
    unknownUntil.set(id, Date.now() + UNKNOWN_FOR_MS)
  }

  const missing = (ids: Iterable<string>): string[] =>
    [...new Set(ids)].filter((id) => !known.has(id) && (unknownUntil.get(id) ?? 0) <= Date.now())

  function stale(ids: Iterable<string>): string[] {
    const since = Math.max(freshSince, Date.now() - FRESH_FOR_MS)
    return [...new Set(ids)].filter((id) => (known.get(id)?.at ?? since) < since)
  }

  async function load(ids: readonly string[]): Promise<void> {
    for (const person of ids.length > 0 ? await store.find(ids) : []) remember(person)
    const strangers = ids.filter((id) => !known.has(id))
    for (let at = 0; at < strangers.length; at += LOOK_UP_AT_ONCE) {
      const asked = strangers.slice(at, at + LOOK_UP_AT_ONCE)
      for (const person of await directory.find(asked)) {
        await store.put(person)
        remember(person)
      }
      for (const id of asked) if (!known.has(id)) rememberUnknown(id)
    }
  }

  function pick<T>(ids: Iterable<string>, what: (person: PublicUser) => T): Map<string, T> {
    const picked = new Map<string, T>()
    for (const id of ids) {
      const found = known.get(id)
      if (found) picked.set(id, what(found.person))
    }
    return picked
  }

  async function persons<T>(ids: Iterable<string>, what: (person: PublicUser) => T): Promise<Map<string, T>> {
    const all = [...ids]
    const unseen = [...missing(all), ...stale(all)]
    if (unseen.length > 0)
      await load(unseen).catch((error) => log.warn({ err: error }, 'some user names cannot be looked up'))
    return pick(all, what)
  }

  async function readGone(id: string): Promise<boolean> {
    const [person] = await store.find([id])
    if (person) remember(person)
    return person?.username === ''
  }

  const subscription = await bus.subscribe('chat.users', async (event) => {
    const person = event.type === 'user.registered' ? event.data : event.data.person
    await store.put(person)
    remember(person)
  })
  // The subscription is shared: another node may have taken the event.
  const listening = await bus.listen(['user.changed'], (event) => {
    if (event.type === 'user.changed' && known.has(event.key)) remember(event.data.person)
  })
  const states = bus.onState(() => {
    freshSince = Date.now()
  })

  return {
    async find(ids) {
      const unseen = missing(ids)
      if (unseen.length > 0) await load(unseen)
      return new Map([...pick(ids, ({ username }) => username)].filter(([, username]) => username !== ''))
    },
    names: (ids) => persons(ids, ({ username }) => username),
    persons: (ids) => persons(ids, (person) => person),
    async [Symbol.asyncDispose]() {
      states[Symbol.dispose]()
      await listening[Symbol.asyncDispose]()
      await subscription[Symbol.asyncDispose]()
    },
    atHand: (ids) => [...pick(ids, (person) => person).values()],
    hasGone(id) {
      const found = known.get(id)
      return found ? found.person.username === '' : readGone(id)
    },
    forget: (id) => remember({ id, username: '', rev: GONE_REV }),
  }
}
