import type { Device } from './device.ts'
import { deviceError } from './error.ts'
import type { Keeper } from './keeper.ts'
import { userPrefix } from './session.ts'
import type { DeviceStorage } from './types.ts'

/** Which message of each conversation one has begun to answer: kept on this device, beside the draft, until it is answered or let go. */
export interface Answers {
  load(): Promise<void>
  /** The `seq` of it. */
  of(conversationId: string): number | undefined
  /** Throws `not_found` where there is no such conversation. */
  set(conversationId: string, seq: number | null): void
  dropped(conversationId: string): void
}

export function openAnswers(parts: {
  device: Device
  storage: DeviceStorage
  keeper: Keeper
  /** What is shown of a conversation changed. */
  changed(conversationId: string): void
}): Answers {
  const { device, storage, keeper, changed } = parts
  const prefix = `${userPrefix(device.me.id)}answer/`
  const begun = new Map<string, number>()

  function keep(id: string): void {
    void keeper.save([[prefix + id, begun.get(id)]])
  }

  return {
    async load() {
      for (const [key, seq] of await storage.list(prefix)) begun.set(key.slice(prefix.length), seq as number)
    },
    of: (id) => begun.get(id),
    set(id, seq) {
      if (!device.conversations.has(id)) throw deviceError('not_found', 'There is no such conversation')
      if (begun.get(id) === (seq ?? undefined)) return
      if (seq === null) begun.delete(id)
      else begun.set(id, seq)
      keep(id)
      changed(id)
    },
    dropped(id) {
      if (begun.delete(id)) keep(id)
    },
  }
}
