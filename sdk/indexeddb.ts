import { type IDBPDatabase, openDB } from 'idb'
import type { DeviceStorage } from './types.ts'

const STORE = 'kept'

/**
 * Storage in the browser's IndexedDB, one database per `name`. Writes wait for the disk (`durability: 'strict'`).
 * All tabs of an origin share it, so one of them leads (`tabs.ts`).
 */
export function indexedDbStorage(name = 'parley'): DeviceStorage {
  let opening: Promise<IDBPDatabase> | undefined

  function database(): Promise<IDBPDatabase> {
    opening ??= openDB(name, 1, {
      upgrade: (db) => void db.createObjectStore(STORE),
      // A newer version of the client waits for us in another tab: let go, and open again when needed.
      blocking: (_current, _blocked, event) => {
        if (event.target instanceof IDBDatabase) event.target.close()
        opening = undefined
      },
      terminated: () => {
        opening = undefined
      },
    }).catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }

  return {
    sharedAs: name,
    get: async (key) => (await database()).get(STORE, key),
    async list(prefix) {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const read = (await database()).transaction(STORE, 'readonly')
      const [keys, values] = await Promise.all([read.store.getAllKeys(range), read.store.getAll(range)])
      return keys.map((key, index): [string, unknown] => [String(key), values[index]])
    },
    async write(changes) {
      const write = (await database()).transaction(STORE, 'readwrite', { durability: 'strict' })
      const steps: Promise<unknown>[] = [write.done]
      try {
        for (const [key, value] of changes)
          steps.push(value === undefined ? write.store.delete(key) : write.store.put(value, key))
      } catch (error) {
        // A value that cannot be cloned throws here, and what was put before it would be committed.
        write.abort()
        await Promise.allSettled(steps)
        throw error
      }
      await Promise.all(steps)
    },
    async clear() {
      const write = (await database()).transaction(STORE, 'readwrite', { durability: 'strict' })
      await Promise.all([write.store.clear(), write.done])
    },
    async close() {
      const open = await opening?.catch(() => undefined)
      opening = undefined
      open?.close()
    },
  }
}
