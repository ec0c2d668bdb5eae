import type { Device } from './device.ts'
import type { Keeper } from './keeper.ts'
import { userPrefix } from './session.ts'
import type { DeviceStorage } from './types.ts'

/** Lets messages disappear from this device at their moment, by the server's clock as far as it is known; and when it starts, those whose moment has passed. */
export interface Expiry {
  load(): Promise<void>
  /** Now, by the server's clock. */
  now(): number
  /** The server said what time it is. */
  heard(serverTime: string): void
  /** What is held of the conversation may have changed. */
  look(conversationId: string): void
  /** Something that is shown disappears at that time, in milliseconds since 1970. */
  due(at: number): void
  stop(): void
}

/** Timers that wait longer are set anew: they must neither overflow nor sleep through a clock that is set. */
const LONGEST_MS = 600_000
/** A clock that is this near is right: what is kept is not to be written at every connection. */
const NEAR_MS = 500
/** A count that is over by this device's clock and not yet by the server's is looked at again so much later. */
const AGAIN_MS = 1_000

export function openExpiry({
  device,
  storage,
  keeper,
}: {
  device: Device
  storage: DeviceStorage
  keeper: Keeper
}): Expiry {
  const key = `${userPrefix(device.me.id)}clock`
  /** How far the server's clock is ahead of this device's. */
  let aheadMs = 0
  let next = Number.POSITIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined

  const now = (): number => Date.now() + aheadMs

  function due(at: number): void {
    if (at >= next) return
    next = at
    wait()
  }

  function wait(): void {
    clearTimeout(timer)
    timer = undefined
    if (next === Number.POSITIVE_INFINITY) return
    timer = setTimeout(pass, Math.min(Math.max(0, next - now()), LONGEST_MS))
  }

  function pass(): void {
    const at = now()
    if (at >= next) {
      next = Number.POSITIVE_INFINITY
      device.expire(at)
      for (const id of device.conversations.keys()) look(id)
    }
    wait()
  }

  function look(id: string): void {
    const conversation = device.conversations.get(id)
    if (!conversation) return
    for (const { at } of conversation.held.lasting) due(at)
    const { lastMessage, counted } = conversation.held
    if (counted.until !== undefined && !counted.over) due(counted.until > now() ? counted.until : now() + AGAIN_MS)
    if (lastMessage?.expiresAt !== undefined && !lastMessage.deleted) due(Date.parse(lastMessage.expiresAt))
  }

  return {
    async load() {
      aheadMs = Number((await storage.get(key)) ?? 0)
      device.expire(now())
      for (const id of device.conversations.keys()) look(id)
    },
    now,
    heard(serverTime) {
      const ahead = Date.parse(serverTime) - Date.now()
      if (!Number.isFinite(ahead) || Math.abs(ahead - aheadMs) < NEAR_MS) return
      aheadMs = ahead
      void keeper.save([[key, ahead]])
      wait()
    },
    look,
    due,
    stop: () => clearTimeout(timer),
  }
}
