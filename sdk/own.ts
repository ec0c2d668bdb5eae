import { LIMITS } from '@parley/protocol/limits'
import { type OwnChanged, type OwnMark, withOwnChange } from '@parley/protocol/own'
import type { Api } from './api.ts'
import { delay, fullJitter } from './backoff.ts'
import type { Link } from './connection.ts'
import type { Device } from './device.ts'
import { asParleyError, deviceError } from './error.ts'
import type { Changes, Keeper } from './keeper.ts'
import { openPending } from './pending.ts'
import { userPrefix } from './session.ts'
import type { DeviceStorage } from './types.ts'

/** What one made of messages for oneself: shown at once, kept until the server has it, and the same on every device in the end. */
export interface Own {
  load(): Promise<void>
  /** Takes what other tabs have left to be told. */
  takeOver(): Promise<void>
  /** As it is shown: what the server has, and over it what it does not have yet. The same object until that changes. */
  of(conversationId: string): OwnShown
  /** Throws `not_found` where there is no such conversation. */
  set(conversationId: string, seqs: readonly number[], what: What): void
  /** The server told of a change. */
  heard(news: OwnChanged & { conversationId: string }): void
  /** What is known of the conversation may have changed: fetch what is missing. */
  look(conversationId: string): void
  /** A new link: say what is not said yet, fetch what is missing. */
  up(link: Link): void
  /** What is held may not be what the server has any more: read it again. */
  anew(): void
  dropped(conversationId: string): void
  readonly idle: boolean
  stop(): void
}

export interface OwnShown {
  readonly starred: ReadonlySet<number>
  readonly hidden: ReadonlySet<number>
}

type What = { starred: boolean } | { hidden: boolean }

/** What a device holds of one conversation: every change of that stay up to `rev`, the untouched left out. */
interface OwnHeld {
  fromRev: number
  rev: number
  marks: readonly OwnMark[]
}

const nameOf = (id: string, seq: number): string => `${id}/${seq}`

const NOTHING: OwnShown = { starred: new Set(), hidden: new Set() }
const PAGE = 200
const BACKOFF = { base: 300, cap: 10_000 }

export function openOwn(parts: {
  device: Device
  storage: DeviceStorage
  keeper: Keeper
  api: Pick<Api, 'changeOwn' | 'own'>
  /** What is shown of a conversation changed. */
  changed(conversationId: string): void
  stir(): void
}): Own {
  const { device, storage, keeper, api, changed, stir } = parts
  const prefix = userPrefix(device.me.id)
  const heldKey = (id: string): string => `${prefix}own/${id}`
  const held = new Map<string, OwnHeld>()
  /** What the server is to be told, by conversation and message. */
  const waiting = new Map<string, Map<number, What>>()
  const pending = openPending<What>({ storage, keeper }, `${prefix}owning/`, (id, kept) =>
    (kept as [number, What][]).map(([seq, what]) => [nameOf(id, seq), what]),
  )
  /** Up to where the server is known to go. */
  const heads = new Map<string, number>()
  const shown = new Map<string, OwnShown>()
  const over = new AbortController()
  let link: Link | undefined
  let running = false

  function heldOf(id: string): OwnHeld {
    const fromRev = device.conversations.get(id)?.held.facts.me.fromRev ?? 0
    const known = held.get(id)
    // What was of an earlier stay is of messages that one does not see any more.
    return known?.fromRev === fromRev ? known : { fromRev, rev: 0, marks: [] }
  }

  function of(id: string): OwnShown {
    const known = shown.get(id)
    if (known) return known
    const { marks } = heldOf(id)
    const over = waiting.get(id)
    if (marks.length === 0 && !over) return NOTHING
    const bySeq = new Map<number, Pick<OwnMark, 'starred' | 'hidden'>>(marks.map((one) => [one.seq, one]))
    for (const [seq, what] of over ?? []) {
      const next = withOwnChange(bySeq.get(seq), what)
      if (next) bySeq.set(seq, next)
    }
    const seqs = (field: 'starred' | 'hidden') =>
      new Set([...bySeq].filter(([, one]) => one[field]).map(([seq]) => seq))
    const made = { starred: seqs('starred'), hidden: seqs('hidden') }
    shown.set(id, made)
    return made
  }

  function tell(id: string): void {
    shown.delete(id)
    changed(id)
    stir()
  }

  function set(id: string, seqs: readonly number[], what: What): void {
    if (!device.conversations.has(id)) throw deviceError('not_found', 'There is no such conversation')
    const mine = waiting.get(id) ?? new Map<number, What>()
    for (const seq of seqs) {
      // The later word is told alone: hiding and starring the same message do not go together.
      mine.delete(seq)
      mine.set(seq, what)
    }
    waiting.set(id, mine)
    pending.put(seqs.map((seq) => [nameOf(id, seq), what]))
    tell(id)
    start()
  }

  async function takeOver(): Promise<void> {
    for (const [name, what] of await pending.load()) {
      const [id, seq] = name.split('/') as [string, string]
      const mine = waiting.get(id) ?? new Map<number, What>()
      mine.delete(Number(seq))
      mine.set(Number(seq), what)
      waiting.set(id, mine)
      tell(id)
    }
    start()
  }

  /** These wait no more, unless they were changed again. Gives those of which that is so. */
  function done(id: string, items: readonly (readonly [number, What])[]): number[] {
    const mine = waiting.get(id)
    const gone = items.flatMap(([seq, what]) => (mine?.get(seq) === what && mine.delete(seq) ? [seq] : []))
    if (mine?.size === 0) waiting.delete(id)
    return gone
  }

  /** Everything up to `rev` is known with these. */
  function take(id: string, items: readonly OwnMark[], rev: number): void {
    const before = heldOf(id)
    const bySeq = new Map(before.marks.map((one) => [one.seq, one]))
    for (const one of items) {
      if (one.starred || one.hidden) bySeq.set(one.seq, one)
      else bySeq.delete(one.seq)
    }
    const next: OwnHeld = { fromRev: before.fromRev, rev, marks: [...bySeq.values()] }
    held.set(id, next)
    void device.keep([[heldKey(id), next]])
    tell(id)
  }

  /** A change with consecutive `rev`s; what came before it may be missing. */
  function follow(id: string, { items, rev }: OwnChanged): void {
    heads.set(id, Math.max(rev, heads.get(id) ?? 0))
    const known = heldOf(id).rev
    const fresh = items.filter((one) => one.rev > known)
    if (fresh[0]?.rev === known + 1) take(id, fresh, rev)
  }

  const isBehind = (id: string): boolean => device.conversations.has(id) && (heads.get(id) ?? 0) > heldOf(id).rev

  function look(id: string): void {
    const facts = device.conversations.get(id)?.held.facts
    if (!facts) return
    const fromRev = held.get(id)?.fromRev
    if (fromRev !== undefined && fromRev !== facts.me.fromRev) {
      held.delete(id)
      shown.delete(id)
    }
    heads.set(id, Math.max(facts.me.ownRev, heads.get(id) ?? 0))
    if (isBehind(id)) start()
  }

  function start(): void {
    if (!running) void run()
  }

  async function run(): Promise<void> {
    running = true
    for (let failures = 0; link && !link.gone.aborted && !over.signal.aborted; ) {
      const step = next()
      if (!step) break
      try {
        await step()
        failures = 0
      } catch (error) {
        await delay((asParleyError(error).problem.retryAfterMs ?? 0) + fullJitter(++failures, BACKOFF), over.signal)
      }
    }
    running = false
    stir()
  }

  function next(): (() => Promise<void>) | undefined {
    // First what is missing: what is told then fits on it, and is shown without a flicker.
    for (const id of heads.keys()) if (isBehind(id)) return () => fetch(id)
    for (const id of waiting.keys()) return () => say(id)
    return undefined
  }

  async function fetch(id: string): Promise<void> {
    const { rev, fromRev } = heldOf(id)
    try {
      const page = await api.own(id, rev, PAGE)
      const now = heldOf(id)
      // What came meanwhile by the socket is not to be taken back.
      if (over.signal.aborted || now.rev !== rev || now.fromRev !== fromRev) return
      if (!page.more) heads.set(id, page.rev)
      take(id, page.items, page.rev)
    } catch (error) {
      if (asParleyError(error).problem.retryable) throw error
      // One is not there any more; the list will say so.
      heads.delete(id)
    }
  }

  /** Tells what is wanted of some messages, all the same. */
  async function say(id: string): Promise<void> {
    const mine = waiting.get(id)!
    const [first] = mine
    const what = first![1]
    const same = [...mine].filter(([, one]) => JSON.stringify(one) === JSON.stringify(what)).slice(0, LIMITS.ownPerCall)
    const seen = new Set(await pending.outdated(same.map(([seq]) => nameOf(id, seq))))
    if (seen.size > 0) {
      done(
        id,
        same.filter(([seq]) => seen.has(nameOf(id, seq))),
      )
      tell(id)
      return
    }
    try {
      const done = await api.changeOwn(id, { seqs: same.map(([seq]) => seq), ...what })
      if (over.signal.aborted) return
      follow(id, done)
      if (isBehind(id)) await fetch(id)
    } catch (error) {
      if (asParleyError(error).problem.retryable) throw error
    }
    // What was changed again meanwhile is still to be told.
    pending.put(done(id, same).map((seq) => [nameOf(id, seq), undefined]))
    tell(id)
  }

  return {
    async load() {
      for (const [key, value] of await storage.list(heldKey('')))
        held.set(key.slice(heldKey('').length), value as OwnHeld)
      await takeOver()
      for (const id of device.conversations.keys()) look(id)
    },
    takeOver,
    of,
    set,
    heard(news) {
      if (!device.conversations.has(news.conversationId)) return
      follow(news.conversationId, news)
      if (isBehind(news.conversationId)) start()
    },
    look,
    up(next) {
      link = next
      start()
    },
    anew() {
      const gone: Changes = [...held.keys()].map((id) => [heldKey(id), undefined])
      held.clear()
      heads.clear()
      shown.clear()
      void device.keep(gone)
    },
    dropped(id) {
      const waited = [...(waiting.get(id)?.keys() ?? [])]
      waiting.delete(id)
      heads.delete(id)
      shown.delete(id)
      if (held.delete(id)) void keeper.save([[heldKey(id), undefined]])
      pending.put(waited.map((seq) => [nameOf(id, seq), undefined]))
    },
    get idle() {
      return waiting.size === 0 && ![...heads.keys()].some(isBehind)
    },
    stop: () => over.abort(),
  }
}
