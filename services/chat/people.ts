import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { PeopleStore } from './store/store.ts'

/** Who exists, as far as the chat service needs to know. */
export interface People extends AsyncDisposable {
  /** User names by id, of those who exist. Who is not in the projection yet is looked up once. Rejects `unavailable` when that cannot be asked. */
  find(ids: readonly string[]): Promise<Map<string, string>>
  /** Like `find`, for showing: names that cannot be had now are left out. */
  names(ids: Iterable<string>): Promise<Map<string, string>>
}

const MAX_CACHED = 50_000
/** A user who has just registered must not stay unknown for long. */
const UNKNOWN_FOR_MS = 2_000
/** As many as the user service answers at once. */
const LOOK_UP_AT_ONCE = 500

/** Keeps the projection up to date from the bus. */
export async function openPeople(deps: {
  store: PeopleStore
  directory: UserDirectory
  bus: Bus
  log: Log
}): Promise<People> {
  const { store, directory, bus, log } = deps
  const known = new Map<string, string>()
  const unknownUntil = new Map<string, number>()

  function remember(id: string, username: string): void {
    known.delete(id)
    if (known.size >= MAX_CACHED) known.delete(known.keys().next().value!)
    known.set(id, username)
    unknownUntil.delete(id)
  }

  function rememberUnknown(id: string): void {
    if (unknownUntil.size >= MAX_CACHED) unknownUntil.clear()
    unknownUntil.set(id, Date.now() + UNKNOWN_FOR_MS)
  }

  const missing = (ids: Iterable<string>): string[] =>
    [...new Set(ids)].filter((id) => !known.has(id) && (unknownUntil.get(id) ?? 0) <= Date.now())

  async function load(ids: readonly string[]): Promise<void> {
    for (const person of ids.length > 0 ? await store.find(ids) : []) remember(person.id, person.username)
    const strangers = ids.filter((id) => !known.has(id))
    for (let at = 0; at < strangers.length; at += LOOK_UP_AT_ONCE) {
      const asked = strangers.slice(at, at + LOOK_UP_AT_ONCE)
      for (const person of await directory.find(asked)) {
        await store.put({ id: person.id, username: person.username })
        remember(person.id, person.username)
      }
      for (const id of asked) if (!known.has(id)) rememberUnknown(id)
    }
  }

  const pick = (ids: Iterable<string>): Map<string, string> => {
    const names = new Map<string, string>()
    for (const id of ids) {
      const name = known.get(id)
      if (name !== undefined) names.set(id, name)
    }
    return names
  }

  const subscription = await bus.subscribe('chat.users', async ({ data }) => {
    await store.put({ id: data.id, username: data.username })
    remember(data.id, data.username)
  })

  return {
    async find(ids) {
      const unseen = missing(ids)
      if (unseen.length > 0) await load(unseen)
      return pick(ids)
    },
    async names(ids) {
      const all = [...ids]
      const unseen = missing(all)
      if (unseen.length > 0)
        await load(unseen).catch((error) => log.warn({ err: error }, 'some user names cannot be looked up'))
      return pick(all)
    },
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  }
}
