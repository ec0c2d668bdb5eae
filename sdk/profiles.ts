import type { ContactItem } from '@parley/protocol/contact'
import { LIMITS } from '@parley/protocol/limits'
import type { HeldProfile, Profile, ProfileChange, ProfileView } from '@parley/protocol/profile'
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
  /** How one stands with these. Whose profile was read by another standing is read again. */
  stand(contacts: readonly Pick<ContactItem, 'userId' | 'status'>[]): void
  /** The server told of one. */
  heard(view: ProfileView): void
  /** Connected again: something may have been missed. */
  up(gone: AbortSignal): void
  clear(): void
}

/** Those met longest ago are forgotten first. */
const MAX_PEOPLE = 5_000
/** After a connection, so that many devices that come back together do not ask together. */
const LOOK_AFTER_MS = { least: 500, most: 3_000 }

/** `me`: whose device it is, while anyone is signed in. */
export function openProfiles(send: Send, me: () => string | undefined): Profiles {
  const people = writable<ReadonlyMap<string, Person>>(new Map())
  const own = writable<Profile | undefined>(undefined)
  let wanted = false
  /** Another user signed in, or nobody: what is still on its way is of no use. */
  let life = 0

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

  async function readChanges(): Promise<void> {
    const mine = life
    const known: HeldProfile[] = [...people.get().values()].map(({ id, rev = 0, viewRev = rev, friend = false }) => ({
      id,
      viewRev,
      friend,
    }))
    for (let at = 0; at < known.length && mine === life; at += LIMITS.idsPerCall) {
      const body = { known: known.slice(at, at + LIMITS.idsPerCall) }
      const { items } = (await send({ method: 'POST', path: '/api/user/changes', body })) as { items: ProfileView[] }
      if (mine === life) take(items)
    }
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
    heard(view) {
      if (view.id !== me()) return take([view])
      know([view])
      const held = own.get()
      // Offline again where it fails: the next connection reads.
      if (wanted && (held?.rev ?? -1) < view.viewRev) loadOwn().catch(() => undefined)
    },
    up(gone) {
      if (wanted) loadOwn().catch(() => undefined)
      const { least, most } = LOOK_AFTER_MS
      void delay(least + Math.random() * (most - least), gone)
        .then(() => (gone.aborted ? undefined : readChanges()))
        .catch(() => undefined)
    },
    clear() {
      life++
      wanted = false
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
  before?.viewRev === undefined || before.friend !== friend || before.viewRev <= viewRev
