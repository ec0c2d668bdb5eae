import { memoryStorage } from './memory.ts'
import { writable } from './store.ts'
import type { DeviceStorage, Readable } from './types.ts'

/** Storage that may turn out to keep nothing. */
export interface LastingStorage extends DeviceStorage {
  /** False once it is known that what is written lives no longer than this page. */
  readonly lasting: Readable<boolean>
}

/** A slow disk has this long before it is taken for one that will not open: what is kept there would be missed. */
const WAIT_MS = 8_000
const PROBE = 'probe'

/**
 * `kept`, or where it does not open (private windows, a full disk, a newer client in another tab, a broken database) memory, which no other tab
 * shares. Found out once, when it is first used, and held to: what is written after that never lies in two places.
 */
export function orMemory(kept: DeviceStorage, waitMs = WAIT_MS): LastingStorage {
  const lasting = writable(true)
  let chosen: Promise<DeviceStorage> | undefined
  let closed = false

  function choose(): Promise<DeviceStorage> {
    chosen ??= withinTime(opens(kept), waitMs).then(
      () => kept,
      (error) => {
        console.warn('Parley can keep nothing on this device', error)
        if (!closed) lasting.set(false)
        // It may open late, and would then stand in the way of whoever wants to upgrade it.
        kept.close().catch(() => {})
        return memoryStorage()
      },
    )
    return chosen
  }

  return {
    lasting,
    get sharedAs() {
      return lasting.get() ? kept.sharedAs : undefined
    },
    get: async (key) => (await choose()).get(key),
    list: async (prefix) => (await choose()).list(prefix),
    write: async (changes) => (await choose()).write(changes),
    clear: async () => (await choose()).clear(),
    async close() {
      closed = true
      await (chosen ? (await chosen).close() : kept.close())
    },
  }
}

/** Rejects where it cannot be read, and where nothing is in it and nothing can be written either. What is there is never given up. */
async function opens(storage: DeviceStorage): Promise<void> {
  await storage.get(PROBE)
  if ((await storage.list('')).length > 0) return
  await storage.write([[PROBE, 1]])
  await storage.write([[PROBE, undefined]])
}

async function withinTime<T>(step: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`It did not open within ${ms} ms`)), ms)
  return Promise.race([step, late.promise]).finally(() => clearTimeout(timer))
}
