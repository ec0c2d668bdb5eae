import { delay, fullJitter } from './backoff.ts'
import type { DeviceStorage } from './types.ts'

export type Changes = readonly (readonly [string, unknown])[]

/** A change of a value that may be kept and is not in memory: what is kept when it is written becomes what `of` makes of it. */
export class Patch<T> {
  readonly of: (before: T) => T

  constructor(of: (before: T) => T) {
    this.of = of
  }
}

/**
 * Writes a device's changes one batch after another: what is saved in one turn is written together, all or none, and
 * what comes while a write is under way goes together into the next. A failed write is tried again until it is kept, so
 * that a later batch never lands on a hole.
 */
export interface Keeper {
  /** Resolves when the changes are durable; never when the keeper is stopped first. */
  save(changes: Changes): Promise<void>
  /** Resolves when everything saved so far is durable. */
  flush(): Promise<void>
  /** Takes no more, and resolves when no write is under way. With `drop`, what waits is forgotten; else it is tried once more. */
  stop(drop: boolean): Promise<void>
}

export function openKeeper(storage: DeviceStorage): Keeper {
  let waiting = new Map<string, unknown>()
  let told: (() => void)[] = []
  let running: Promise<void> | undefined
  let stopped = false
  const stop = new AbortController()

  async function run(): Promise<void> {
    // The changes of one turn belong together.
    await Promise.resolve()
    for (let failures = 0; waiting.size > 0 || told.length > 0; ) {
      const batch = waiting
      const done = told
      waiting = new Map()
      told = []
      try {
        if (batch.size > 0) await storage.write(await patched(batch))
        failures = 0
        for (const tell of done) tell()
      } catch (error) {
        // Newer values of the same keys win over those that could not be written.
        const newer = waiting
        waiting = batch
        for (const [key, value] of newer) put(key, value)
        told = [...done, ...told]
        if (stopped) throw error
        console.error('Parley cannot write to this device', error)
        await delay(fullJitter(++failures, { base: 200, cap: 10_000 }), stop.signal)
      }
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = undefined
      // What was saved between the last look and now.
      if (!stopped && (waiting.size > 0 || told.length > 0)) start()
    })
    running.catch(() => {})
  }

  function save(changes: Changes): Promise<void> {
    if (stopped) return new Promise(() => {})
    for (const [key, value] of changes) put(key, value)
    return flush()
  }

  function put(key: string, value: unknown): void {
    const before = waiting.get(key)
    if (!(value instanceof Patch) || !waiting.has(key)) waiting.set(key, value)
    else if (before instanceof Patch) waiting.set(key, new Patch((kept) => value.of(before.of(kept))))
    else waiting.set(key, before === undefined ? undefined : value.of(before))
  }

  /** With the patches carried out on what is kept; what is not kept stays so. */
  async function patched(batch: ReadonlyMap<string, unknown>): Promise<[string, unknown][]> {
    const changes: [string, unknown][] = []
    for (const [key, value] of batch) {
      const kept = value instanceof Patch ? await storage.get(key) : undefined
      changes.push([
        key,
        value instanceof Patch && kept !== undefined ? value.of(kept) : value instanceof Patch ? undefined : value,
      ])
    }
    return changes
  }

  function flush(): Promise<void> {
    if (waiting.size === 0 && !running) return Promise.resolve()
    const kept = new Promise<void>((resolve) => told.push(resolve))
    start()
    return kept
  }

  return {
    save,
    flush,
    async stop(drop) {
      stopped = true
      if (drop) {
        waiting.clear()
        // Whoever waits for what is dropped must not hear that it is durable.
        told = []
      }
      stop.abort()
      await running?.catch(() => {})
    },
  }
}
