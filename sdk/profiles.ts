import type { ContactItem } from '@parley/protocol/contact'
import { LIMITS } from '@parley/protocol/limits'
import type {
  HeldProfile,
  PersonNews,
  Profile,
  ProfileChange,
  ProfileChanges,
  ProfileView,
} from '@parley/protocol/profile'
import type { PublicUser } from '@parley/protocol/user'
import { delay } from './backoff.ts'
import type { Send } from './http.ts'
import { writable } from './store.ts'
import type { OwnProfile, People, Person } from './types.ts'

/** Who is shown on this device and how, one's own profile among them, and what the client itself does with that. */
export interface Profiles {
  readonly people: People
  readonly own: OwnProfile
  /** These are shown here: members, contacts, who was found. */
  know(users: Iterable<PublicUser>): void
  /** These are shown here by what this device has kept, of some of them not even the name: whether that is still so is asked, once on each connection. */
  recall(userIds: Iterable<string>): void
  /** How one stands with these. Whose profile was read by another standing is read again. */
  stand(contacts: readonly Pick<ContactItem, 'userId' | 'status'>[]): void
  /** The server told of one. */
  heard(news: PersonNews): void
  /** Connected again: something may have been missed. */
  up(gone: AbortSignal): void
  clear(): void
}

/** Those met longest ago are forgotten first. */
const MAX_PEOPLE = 5_000
/** After a connection, so that many devices that come back together do not ask together. */
const LOOK_AFTER_MS = { least: 500, most: 3_000 }

/** Those who are recalled soon after one another are asked for together. */
const TOGETHER_MS = 200

/** `me`: whose device it is, while anyone is signed in. `found`: how these are called now; empty where the account was deleted. */
export function openProfiles(
  send: Send,
  me: () => string | undefined,
  found: (users: readonly Pick<PublicUser, 'id' | 'username'>[]) => void,
): Profiles {
  const people = writable<ReadonlyMap<string, Person>>(new Map())
  const own = writable<Profile | undefined>(undefined)
  let wanted = false
  /** Another user signed in, or nobody: what is still on its way is of no use. */
  let life = 0

  /** The connection, and of whom was asked on it. */
  let gone: AbortSignal | undefined
  const asked = new Set<string>()
  const recalled = new Set<string>()
  let asking = false

  function put(changed: readonly Person[]): void {
    if (changed.length === 0) return
    const next = new Map(people.get())
    for (const person of changed) next.set(person.id, person)
    while (next.size > MAX_PEOPLE) next.delete(next.keys().next().value!)
    people.set(next)
  }

  function know(users: Iterable<PublicUser>): void {
    const before = people.get()
    put([...users].flatMap((user) => joined(before.get(user.id), user) ?? []))
  }

  function take(views: readonly ProfileView[]): void {
    const before = people.get()
    put(views.filter((view) => isNewer(before.get(view.id), view)))
    found(views)
  }

  function bury(userIds: readonly string[]): void {
    put(userIds.map((id) => ({ id, username: '', deleted: true })))
    found(userIds.map((id) => ({ id, username: '' })))
  }

  function takeOwn(profile: Profile): void {
    const before = own.get()
    if (!before || before.rev <= profile.rev) own.set(profile)
  }

  async function loadOwn(): Promise<Profile> {
    wanted = true
    const mine = life
    const profile = (await send({ method: 'GET', path: '/api/user/me/profile' })) as Profile
    if (mine === life) takeOwn(profile)
    return profile
  }

  /** Of those who are shown, and those who are recalled. */
  async function readChanges(userIds: readonly string[], over: AbortSignal): Promise<void> {
    const mine = life
    for (let at = 0; at < userIds.length && !over.aborted && mine === life; at += LIMITS.idsPerCall) {
      const some = userIds.slice(at, at + LIMITS.idsPerCall)
      const body = { known: some.map(heldOf) }
      const { items, gone = [] } = (await send({ method: 'POST', path: '/api/user/changes', body })) as ProfileChanges
      if (mine !== life) return
      take(items)
      bury(gone)
    }
  }

  function heldOf(id: string): HeldProfile {
    const held = people.get().get(id)
    if (!held) return { id }
    const { rev = 0, viewRev = rev, friend = false } = held
    return { id, viewRev, friend }
  }

  /** What fails is asked for on the next connection. */
  async function askAll(over: AbortSignal): Promise<void> {
    if (asking) return
    asking = true
    await delay(TOGETHER_MS, over)
    const ids = [...recalled].filter((id) => !asked.has(id))
    recalled.clear()
    if (asked.size >= MAX_PEOPLE) asked.clear()
    for (const id of ids) asked.add(id)
    asking = false
    await readChanges(ids, over).catch(() => undefined)
  }

  async function load(userId: string): Promise<Person> {
    const mine = life
    const path = `/api/user/users/${encodeURIComponent(userId)}/profile`
    const view = (await send({ method: 'GET', path })) as ProfileView
    if (mine === life) take([view])
    return view
  }

  return {
    people: { get: people.get, subscribe: people.subscribe, load },
    own: {
      get: own.get,
      subscribe: own.subscribe,
      load: loadOwn,
      async change(change: ProfileChange) {
        const mine = life
        const profile = (await send({ method: 'PATCH', path: '/api/user/me/profile', body: change })) as Profile
        if (mine === life) takeOwn(profile)
        return profile
      },
    },
    know,
    recall(userIds) {
      const fresh = [...userIds].filter((id) => !asked.has(id) && !people.get().get(id)?.deleted)
      for (const id of fresh) if (recalled.size < MAX_PEOPLE) recalled.add(id)
      if (fresh.length > 0 && gone && !gone.aborted) void askAll(gone)
    },
    stand(contacts) {
      for (const { userId, status } of contacts) {
        const held = people.get().get(userId)
        if (held?.viewRev === undefined || (held.friend ?? false) === (status === 'friends')) continue
        // Not twice: it is as good as not read until it was.
        const { bio: _, status: __, viewRev: ___, friend: ____, ...names } = held
        put([names])
        load(userId).catch(() => undefined)
      }
    },
    heard({ deleted, ...view }) {
      if (deleted) return bury([view.id])
      if (view.id !== me()) return take([view])
      know([view])
      const held = own.get()
      // Offline again where it fails: the next connection reads.
      if (wanted && (held?.rev ?? -1) < view.viewRev) loadOwn().catch(() => undefined)
    },
    up(over) {
      if (wanted) loadOwn().catch(() => undefined)
      gone = over
      for (const id of asked) recalled.add(id)
      asked.clear()
      const { least, most } = LOOK_AFTER_MS
      void delay(least + Math.random() * (most - least), over).then(() => {
        if (over.aborted) return
        for (const id of people.get().keys()) recalled.add(id)
        void askAll(over)
      })
    },
    clear() {
      life++
      wanted = false
      gone = undefined
      asked.clear()
      recalled.clear()
      people.set(new Map())
      own.set(undefined)
    },
  }
}

/** What is known of a person with the names of `user`; undefined where that says nothing new. */
function joined(
  before: Person | undefined,
  { id, username, displayName, colour, rev }: PublicUser,
): Person | undefined {
  // Whoever has gone stays so, whatever was kept of them.
  if (before?.deleted) return undefined
  if (username === '') return { id, username, deleted: true }
  if (before && (before.rev ?? 0) >= (rev ?? 0) && before.username === username) return undefined
  const { bio, status, viewRev, friend } = before ?? {}
  return {
    id,
    username,
    ...(displayName !== undefined && { displayName }),
    ...(colour !== undefined && { colour }),
    ...(rev !== undefined && { rev }),
    ...(bio !== undefined && { bio }),
    ...(status !== undefined && { status }),
    // Of a friend's profile names are counted apart.
    ...(friend && viewRev !== undefined && { viewRev, friend }),
  }
}

/** Is the view newer than what is held? Of views by another standing, a friend's or not, whatever comes is. */
const isNewer = (before: Person | undefined, { viewRev, friend }: ProfileView): boolean =>
  !before?.deleted && (before?.viewRev === undefined || before.friend !== friend || before.viewRev <= viewRev)
