import type { Keeper } from './keeper.ts'
import { userPrefix } from './session.ts'
import type { DeviceStorage } from './types.ts'

/**
 * What people are called, as far as this device has heard: user names by id, the empty one for who has deleted the account. Ids are
 * never used again, so that who is gone stays so, whatever older name comes after it; that is kept, and shown offline too.
 */
export interface Names {
  load(): Promise<void>
  get(userId: string): string | undefined
  has(userId: string): boolean
  set(userId: string, username: string): void
}

/** As many who are gone are kept, the latest that were heard of. */
const MAX_GONE = 5_000

/** `gone` is told of each who is, once, also of those that were kept. */
export function openNames(parts: {
  me: { id: string; username: string }
  storage: DeviceStorage
  keeper: Keeper
  gone(userId: string): void
}): Names {
  const { me, storage, keeper, gone } = parts
  const prefix = `${userPrefix(me.id)}gone/`
  const names = new Map([[me.id, me.username]])
  const departed = new Set<string>()

  function bury(userId: string): boolean {
    if (departed.has(userId) || userId === me.id) return false
    departed.add(userId)
    names.set(userId, '')
    gone(userId)
    return true
  }

  return {
    async load() {
      for (const [key] of await storage.list(prefix)) bury(key.slice(prefix.length))
    },
    get: (userId) => names.get(userId),
    has: (userId) => names.has(userId),
    set(userId, username) {
      if (username !== '') {
        if (!departed.has(userId)) names.set(userId, username)
        return
      }
      if (!bury(userId)) return
      const first = departed.size > MAX_GONE ? departed.values().next().value : undefined
      if (first !== undefined) departed.delete(first)
      void keeper.save([
        [prefix + userId, true],
        ...(first === undefined ? [] : [[prefix + first, undefined] as const]),
      ])
    },
  }
}
