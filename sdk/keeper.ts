import { delay, fullJitter } from './backoff.ts'
import type { DeviceStorage } from './types.ts'

export type Changes = readonly (readonly [string, unknown])[]

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
        if (batch.size > 0) await storage.write([...batch])
        failures = 0
        for (const tell of done) tell()
      } catch (error) {
        // Newer values of the same keys win over those that could not be written.
        waiting = new Map([...batch, ...waiting])
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
    for (const [key, value] of changes) waiting.set(key, value)
    return flush()
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
