import type { DeviceStorage } from './types.ts'

/** Storage that lives as long as this object: closing it keeps what it holds, so that another client can go on with it. */
export function memoryStorage(): DeviceStorage {
  const values = new Map<string, unknown>()
  return {
    get: async (key) => structuredClone(values.get(key)),
    async list(prefix) {
      const found = [...values].filter(([key]) => key.startsWith(prefix))
      return structuredClone(found.sort(([a], [b]) => (a < b ? -1 : 1)))
    },
    async write(changes) {
      for (const [key, value] of structuredClone(changes) as [string, unknown][]) {
        if (value === undefined) values.delete(key)
        else values.set(key, value)
      }
    },
    clear: async () => values.clear(),
    close: async () => {},
  }
}
