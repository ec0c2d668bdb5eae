import { Fault } from '@parley/kit/fault'

/** Work under one key is done one after the other, first come first served; `unavailable` where `most` wait already. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>

export function openTurns(most: number): InTurn {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>()

  return async (key, work) => {
    const line = lines.get(key) ?? { length: 0, last: Promise.resolve() }
    if (line.length > most)
      throw new Fault('unavailable', 'The conversation changes too fast: try again', { retryAfterMs: 1_000 })
    lines.set(key, line)
    line.length++
    const mine = line.last.then(work)
    line.last = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      if (--line.length === 0) lines.delete(key)
    }
  }
}
