import type { AlertItem, AlertNews, AlertPage, AlertsRead } from '@parley/protocol/alert'
import { delay, fullJitter } from './backoff.ts'
import type { Send } from './http.ts'
import { writable } from './store.ts'
import type { Alerts, AlertsView } from './types.ts'

/** The alerts of whoever is signed in, and what the client itself does with them. */
export interface OwnAlerts {
  readonly view: Alerts
  /** The server told of a change. */
  heard(news: AlertNews): void
  /** Connected again: something may have been missed. `gone` aborts with the connection. */
  up(gone: AbortSignal): void
  /** The server says that something may have been missed. */
  hinted(): void
  /** What one has read of that conversation may be more. */
  look(conversationId: string): void
  clear(): void
}

const NOTHING: AlertsView = { loaded: false, items: [], unread: 0, more: false }
const PAGE = 30
const path = '/api/notifications'
const BACKOFF = { base: 1_000, cap: 60_000 }

/**
 * Reads nothing until it is asked to; from then on what is shown is kept true by what the server tells, and the latest are read again
 * on each connection, and where what is told does not follow on what is known.
 */
export function openAlerts(deps: {
  send: Send
  told: (item: AlertItem) => void
  /** Up to where one has read that conversation on this device, as far as known. */
  readSeq: (conversationId: string) => number | undefined
}): OwnAlerts {
  const { send, told, readSeq } = deps
  const state = writable<AlertsView>(NOTHING)
  let rev = 0
  let cursor: string | undefined
  /** Heard since the reading under way began: it may have read older. */
  let heard: AlertNews[] | undefined
  let loading: Promise<void> | undefined
  let wanted = false
  let again = false
  /** Aborts with the connection; undefined before the first. */
  let link: AbortSignal | undefined
  /** Another user signed in, or nobody: what is still on its way is of no use. */
  let life = 0

  const page = async (after: string | undefined): Promise<AlertPage> =>
    (await send({
      method: 'GET',
      path,
      query: { limit: PAGE, ...(after !== undefined && { cursor: after }) },
    })) as AlertPage

  function show(items: Iterable<AlertItem>, unread = state.get().unread): void {
    const { loaded } = state.get()
    state.set({ loaded, items: [...items].sort(latestFirst), unread, more: cursor !== undefined })
  }

  async function read(): Promise<void> {
    const mine = life
    heard = []
    const latest = await page(undefined)
    if (mine !== life) return
    cursor = latest.nextCursor
    rev = latest.rev
    state.set({ ...state.get(), loaded: true })
    show(latest.items, latest.unread)
    for (const news of heard) if (news.rev > latest.rev) take(news)
    heard = undefined
    lookAt(state.get().items)
  }

  function load(): Promise<void> {
    wanted = true
    loading ??= read().finally(() => {
      loading = undefined
      if (again) reload()
    })
    return loading
  }

  /** Also what is read now may be older than what asked for this. */
  function reload(): void {
    again = loading !== undefined
    if (!again) void retrying()
  }

  /** Until they are read, since nothing else may come that would have them read again; or until offline: the next connection reads. */
  async function retrying(): Promise<void> {
    const [mine, gone] = [life, link]
    for (let failures = 1; mine === life; failures++) {
      try {
        return await load()
      } catch {
        if (!gone) return
        await delay(BACKOFF.base / 2 + fullJitter(failures, BACKOFF), gone)
        if (gone.aborted) return
      }
    }
  }

  function take({ items = [], gone = [], read, ...now }: AlertNews): void {
    if (now.rev > rev + 1 || now.rev < rev) reload()
    if (now.rev < rev) return
    rev = now.rev
    const last = state.get().items.at(-1)
    const byId = new Map(state.get().items.map((item) => [item.id, item]))
    for (const item of items) {
      // What is older than all that is shown comes with its page.
      if (cursor === undefined || byId.has(item.id) || !last || latestFirst(item, last) < 0) byId.set(item.id, item)
    }
    for (const id of gone) byId.delete(id)
    const all = [...byId.values()]
    show(read ? all.map((item) => (isIn(item, read) ? { ...item, read: true } : item)) : all, now.unread)
  }

  /** Those whose message one has read are read. */
  function lookAt(items: readonly AlertItem[]): void {
    const ids = items.flatMap(({ id, kind, read, conversationId, seq }) =>
      !read &&
      kind !== 'reaction' &&
      conversationId !== undefined &&
      seq !== undefined &&
      seq <= (readSeq(conversationId) ?? 0)
        ? [id]
        : [],
    )
    if (ids.length > 0) mark({ ids }).catch(() => undefined) // The next connection looks again.
  }

  async function mark(which: { ids: string[] } | { upTo: string }): Promise<void> {
    const mine = life
    const { items, unread } = state.get()
    const read = items.map((item) => (isIn(item, which) && !item.read ? { ...item, read: true } : item))
    const fewer = read.filter((item, i) => item !== items[i]).length
    if (fewer > 0) show(read, 'upTo' in which ? 0 : Math.max(0, unread - fewer))
    try {
      const reply = (await send({ method: 'POST', path: `${path}/read`, body: which })) as AlertsRead
      if (mine === life && reply.rev >= rev) take(reply)
    } catch (error) {
      if (mine === life) reload()
      throw error
    }
  }

  return {
    view: {
      get: state.get,
      subscribe: state.subscribe,
      load,
      async loadMore() {
        const mine = life
        if (!state.get().loaded || cursor === undefined) return load()
        const after = cursor
        const older = await page(after)
        if (mine !== life || cursor !== after) return
        cursor = older.nextCursor
        const known = new Map(state.get().items.map((item) => [item.id, item]))
        show([...state.get().items, ...older.items.filter(({ id }) => !known.has(id))])
      },
      async markRead(ids) {
        const [latest] = state.get().items
        if (ids) await mark({ ids: [...ids] })
        else if (latest) await mark({ upTo: latest.at })
      },
    },
    heard(news) {
      if (!wanted) return
      heard?.push(news)
      if (!news.items && !news.gone && !news.read) reload()
      const fresh = (news.items ?? []).filter(
        (item) => !state.get().items.some(({ id, at }) => id === item.id && at === item.at),
      )
      take(news)
      for (const item of fresh) if (!item.read) told(item)
      lookAt(news.items ?? [])
    },
    up(gone) {
      link = gone
      if (wanted) reload()
    },
    hinted() {
      if (wanted) reload()
    },
    look(conversationId) {
      lookAt(state.get().items.filter((item) => item.conversationId === conversationId))
    },
    clear() {
      life++
      wanted = false
      again = false
      loading = undefined
      heard = undefined
      cursor = undefined
      rev = 0
      state.set(NOTHING)
    },
  }
}

const latestFirst = (one: AlertItem, other: AlertItem): number =>
  one.at === other.at ? (one.id < other.id ? 1 : -1) : one.at < other.at ? 1 : -1

const isIn = ({ id, at }: AlertItem, which: { ids: readonly string[] } | { upTo: string }): boolean =>
  'ids' in which ? which.ids.includes(id) : at <= which.upTo
