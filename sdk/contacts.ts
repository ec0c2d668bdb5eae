import { CONTACT_LISTS, type ContactItem, type ContactList, type ContactPage } from '@parley/protocol/contact'
import type { Send } from './http.ts'
import { writable } from './store.ts'
import type { Contacts, ContactsView } from './types.ts'

/** The contacts of whoever is signed in, and what the client itself does with them. */
export interface OwnContacts {
  readonly view: Contacts
  /** Whom one has blocked, as far as known; the same set until it is another. */
  blocked(): ReadonlySet<string>
  /** The server told of one. */
  heard(item: ContactItem): void
  /** Connected again: something may have been missed. */
  up(): void
  clear(): void
}

const NOBODY: ContactsView = { loaded: false, friends: [], incoming: [], outgoing: [], blocked: [] }
const PAGE = 200

/** Reads nothing until it is asked to; from then on what is shown is kept true by what the server tells, and read again on each connection. */
export function openContacts(
  send: Send,
  told: (item: ContactItem) => void,
  met: (items: readonly ContactItem[]) => void,
  /** These are blocked now, or are no more. */
  hid: (userIds: ReadonlySet<string>) => void,
): OwnContacts {
  const state = writable<ContactsView>(NOBODY)
  let known = new Map<string, ContactItem>()
  let blocked: ReadonlySet<string> = new Set()
  /** Heard since the reading under way began: it may have read older. */
  let heard = new Map<string, ContactItem>()
  let loading: Promise<void> | undefined
  let wanted = false
  /** Another user signed in, or nobody: what is still on its way is of no use. */
  let life = 0

  function take(item: ContactItem): boolean {
    heard.set(item.userId, newer(heard.get(item.userId), item))
    const before = known.get(item.userId)
    const now = newer(before, item)
    if (now === before) return false
    known.set(item.userId, now)
    show()
    return true
  }

  function show(): void {
    const items = [...known.values()].sort((a, b) => a.username.localeCompare(b.username))
    met(items)
    state.set({
      loaded: state.get().loaded,
      friends: items.filter(({ status }) => status === 'friends'),
      incoming: items.filter(({ status }) => status === 'incoming'),
      outgoing: items.filter(({ status }) => status === 'outgoing'),
      blocked: items.filter(({ blocked }) => blocked),
    })
    const now = new Set(state.get().blocked.map(({ userId }) => userId))
    const others = new Set([...now, ...blocked].filter((userId) => now.has(userId) !== blocked.has(userId)))
    if (others.size === 0) return
    blocked = now
    hid(others)
  }

  async function read(): Promise<void> {
    const mine = life
    heard = new Map()
    const found = new Map<string, ContactItem>()
    for (const list of CONTACT_LISTS)
      for (const item of await all(list)) found.set(item.userId, newer(found.get(item.userId), item))
    if (mine !== life) return
    for (const [userId, item] of heard) found.set(userId, newer(found.get(userId), item))
    known = found
    state.set({ ...state.get(), loaded: true })
    show()
  }

  async function all(list: ContactList): Promise<ContactItem[]> {
    const items: ContactItem[] = []
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const query = { list, after, limit: PAGE }
      const page = (await send({ method: 'GET', path: '/api/user/contacts', query })) as ContactPage
      items.push(...page.items)
      after = page.nextCursor
    }
    return items
  }

  function load(): Promise<void> {
    wanted = true
    loading ??= read().finally(() => {
      loading = undefined
    })
    return loading
  }

  const does = (method: 'POST' | 'PUT' | 'DELETE', what: string) => async (userId: string) => {
    const mine = life
    const item = (await send({
      method,
      path: `/api/user/contacts/${encodeURIComponent(userId)}${what}`,
    })) as ContactItem
    if (mine === life) take(item)
    return item
  }

  return {
    view: {
      get: state.get,
      subscribe: state.subscribe,
      load,
      request: does('PUT', '/request'),
      accept: does('POST', '/accept'),
      decline: does('POST', '/decline'),
      cancel: does('DELETE', '/request'),
      remove: does('DELETE', ''),
      block: does('PUT', '/block'),
      unblock: does('DELETE', '/block'),
    },
    blocked: () => blocked,
    heard(item) {
      if (take(item)) told(item)
    },
    up() {
      if (!wanted) return
      const mine = life
      // What is being read may have been asked for before something was missed.
      const before = loading ?? Promise.resolve()
      const again = (): Promise<void> | undefined => (mine === life ? load() : undefined)
      before.then(again, again).catch(() => undefined) // Offline again: the next connection reads.
    },
    clear() {
      life++
      wanted = false
      loading = undefined
      known = new Map()
      blocked = new Set()
      state.set(NOBODY)
    },
  }
}

const newer = (one: ContactItem | undefined, other: ContactItem): ContactItem =>
  one && one.rev >= other.rev ? one : other
