import { LIMITS } from '@parley/protocol/limits'
import { type Settings, type SettingsChange, withChange } from '@parley/protocol/settings'
import type { Api } from './api.ts'
import { delay, fullJitter } from './backoff.ts'
import type { Link } from './connection.ts'
import type { Device } from './device.ts'
import { asParleyError, deviceError } from './error.ts'
import type { Held } from './held.ts'
import type { Keeper } from './keeper.ts'
import { openPending } from './pending.ts'
import { userPrefix } from './session.ts'
import type { ConversationHandle, DeviceStorage } from './types.ts'

/** One's own settings of conversations: shown at once, kept until the server has them, and the same on every device in the end. */
export interface OwnSettings {
  load(): Promise<void>
  /** Takes what other tabs have left to be told. */
  takeOver(): Promise<void>
  /** As they are shown: what the server has, and over it what it does not have yet. */
  of(held: Held): Settings
  handle(conversationId: string): Omit<ConversationHandle, 'star' | 'hide' | 'setAnswer'>
  /** What was begun there is on its way. Costs nothing where nothing was begun. */
  sent(conversationId: string): void
  /** A new link: say what is not said yet. */
  up(link: Link): void
  dropped(conversationId: string): void
  readonly idle: boolean
  stop(): void
}

/** A draft is told at most so often, and that long after it was begun: what is sent at once is never told as a draft. */
const DRAFT_EVERY_MS = 1_000
const BACKOFF = { base: 300, cap: 10_000 }
const FIELDS = ['mutedUntil', 'archived', 'pinned', 'level', 'draft'] as const

export function openOwnSettings(parts: {
  device: Device
  storage: DeviceStorage
  keeper: Keeper
  api: Pick<Api, 'changeSettings'>
  /** What is shown of a conversation changed. */
  changed(conversationId: string): void
  stir(): void
}): OwnSettings {
  const { device, storage, keeper, api, changed, stir } = parts
  const waiting = new Map<string, SettingsChange>()
  const pending = openPending<unknown>({ storage, keeper }, `${userPrefix(device.me.id)}settings/`, (id, kept) =>
    Object.entries(kept as SettingsChange).map(([field, value]) => [nameOf(id, field), value]),
  )
  const shown = new WeakMap<Held, { change: SettingsChange; settings: Settings }>()
  const over = new AbortController()
  let link: Link | undefined
  let running = false
  let woken = new AbortController()
  let draftsAfter = 0

  function of(held: Held): Settings {
    const { settings } = held.facts.me
    const change = waiting.get(held.id)
    if (!change) return settings
    const known = shown.get(held)
    if (known?.change === change) return known.settings
    const next = withChange(settings, change, Math.max(held.headSeq, held.counted.headSeq))
    shown.set(held, { change, settings: next })
    return next
  }

  function set(id: string, change: SettingsChange): void {
    const held = device.conversations.get(id)?.held
    if (!held) throw deviceError('not_found', 'There is no such conversation')
    if (waiting.size === 0) draftsAfter = Math.max(draftsAfter, performance.now() + DRAFT_EVERY_MS)
    keep(id, { ...waiting.get(id), ...change })
    start()
  }

  /** What is left to be said of that conversation; nothing of what the server has already. */
  function keep(id: string, change: SettingsChange): void {
    const held = device.conversations.get(id)?.held
    const known = held?.facts.me.settings
    const left = Object.fromEntries(
      FIELDS.flatMap((field) => {
        const value = change[field]
        if (value === undefined || !known) return []
        const had = field === 'archived' ? (value ? undefined : known.archivedSeq !== null) : known[field]
        return had === value && !underWay.has(id) ? [] : [[field, value]]
      }),
    ) as SettingsChange
    const before = waiting.get(id)
    if (Object.keys(left).length === 0) waiting.delete(id)
    else waiting.set(id, left)
    pending.put(
      FIELDS.flatMap((field) =>
        before?.[field] === left[field] ? [] : [[nameOf(id, field), left[field] as unknown] as const],
      ),
    )
    changed(id)
    stir()
  }

  /** Conversations of which something is being told: until the answer it is not known what the server has. */
  const underWay = new Set<string>()

  function start(): void {
    woken.abort()
    if (!running) void run()
  }

  async function run(): Promise<void> {
    running = true
    for (let failures = 0; waiting.size > 0 && link && !link.gone.aborted && !over.signal.aborted; ) {
      const next = due()
      if (!next) {
        woken = new AbortController()
        await delay(Math.max(1, draftsAfter - performance.now()), AbortSignal.any([woken.signal, over.signal]))
        continue
      }
      const retryAfterMs = await tell(next)
      if (retryAfterMs === undefined) failures = 0
      else await delay(retryAfterMs + fullJitter(++failures, BACKOFF), over.signal)
    }
    running = false
    stir()
  }

  /** What is to be told now: whatever is no draft at once, drafts when it is their time. */
  function due(): string | undefined {
    const now = performance.now()
    for (const [id, change] of waiting) {
      const onlyDraft = Object.keys(change).every((field) => field === 'draft')
      // An emptied draft is told at once, so that another device does not show what was sent.
      if (!onlyDraft || change.draft === '' || now >= draftsAfter) return id
    }
    return undefined
  }

  /** Milliseconds after which to try again; undefined when it was answered, either way. */
  async function tell(id: string): Promise<number | undefined> {
    const seen = new Set(await pending.outdated(Object.keys(waiting.get(id) ?? {}).map((field) => nameOf(id, field))))
    const change = waiting.get(id)
    if (!change) return undefined
    if (seen.size > 0) {
      const left = Object.entries(change).filter(([field]) => !seen.has(nameOf(id, field)))
      if (left.length === 0) waiting.delete(id)
      else waiting.set(id, Object.fromEntries(left))
      changed(id)
      return undefined
    }
    if (change.draft !== undefined) draftsAfter = performance.now() + DRAFT_EVERY_MS
    underWay.add(id)
    try {
      const settings = await api.changeSettings(id, change)
      underWay.delete(id)
      if (over.signal.aborted) return undefined
      device.takeSettings(id, settings)
    } catch (error) {
      underWay.delete(id)
      const { retryable, retryAfterMs = 0 } = asParleyError(error).problem
      if (retryable) return retryAfterMs
    }
    // What was changed again meanwhile is still to be told.
    const now = waiting.get(id)
    if (now)
      keep(id, Object.fromEntries(Object.entries(now).filter(([field, value]) => change[field as 'draft'] !== value)))
    return undefined
  }

  async function takeOver(): Promise<void> {
    for (const [name, value] of await pending.load()) {
      const [id, field] = name.split('/') as [string, string]
      waiting.set(id, { ...waiting.get(id), [field]: value })
      changed(id)
    }
    start()
  }

  function mustHavePlace(id: string): number {
    const pins = [...device.conversations.values()].flatMap(({ held }) =>
      held.id === id ? [] : (of(held).pinned ?? []),
    )
    if (pins.length >= LIMITS.pinnedConversations)
      throw deviceError('validation.failed', `At most ${LIMITS.pinnedConversations} conversations can be pinned`)
    return Math.max(0, ...pins) + 1
  }

  return {
    load: takeOver,
    takeOver,
    of,
    handle: (id) => ({
      mute: (until) => set(id, { mutedUntil: until.toISOString() }),
      unmute: () => set(id, { mutedUntil: null }),
      archive: (yes = true) => set(id, yes ? { archived: true, pinned: null } : { archived: false }),
      pin: (yes = true) => set(id, yes ? { pinned: mustHavePlace(id), archived: false } : { pinned: null }),
      setLevel: (level) => set(id, { level }),
      setDraft: (draft) => set(id, { draft: atMost(draft) }),
    }),
    sent(id) {
      const held = device.conversations.get(id)?.held
      if (held && of(held).draft !== '') set(id, { draft: '' })
    },
    up(next) {
      link = next
      start()
    },
    dropped(id) {
      const waited = Object.keys(waiting.get(id) ?? {})
      waiting.delete(id)
      pending.put(waited.map((field) => [nameOf(id, field), undefined]))
    },
    get idle() {
      return waiting.size === 0
    },
    stop: () => over.abort(),
  }
}

const nameOf = (id: string, field: string): string => `${id}/${field}`

/** What the server takes of a draft. */
function atMost(draft: string): string {
  const text = draft.length <= LIMITS.textCodePoints ? draft : [...draft].slice(0, LIMITS.textCodePoints).join('')
  return text.toWellFormed().replaceAll('\0', '')
}
