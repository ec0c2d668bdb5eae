import { fullJitter } from './backoff.ts'

/** How a send ended. `again`: not refused for good, send it again after `afterMs`. `all`: nothing else is welcome before that either. */
export interface Outcome {
  again: boolean
  afterMs?: number
  all?: boolean
}

export interface Lanes {
  /** Sends what may be sent now. */
  pump(): void
  /** Begins again with the oldest of each lane, at once: there is a new connection. */
  reset(): void
  stop(): void
}

/**
 * Sends in order within a lane, several at once. When one has to be sent again, those behind it wait until nothing of the
 * lane is under way; then the lane goes on from its oldest, so that none overtakes another. Other lanes go on.
 */
export function openLanes({
  window,
  next,
  send,
  stopped,
  pause = { base: 250, cap: 5_000 },
}: {
  /** At most this many under way at once; fewer for a while after the server asked for less. */
  window: number
  /** What waits, in order. */
  next(): readonly { id: string; lane: string }[]
  /** Never rejects. */
  send(id: string): Promise<Outcome>
  stopped(): boolean
  /** Before a lane begins again, when the server does not say; full jitter. */
  pause?: { base: number; cap: number }
}): Lanes {
  const underWay = new Map<string, string>()
  /** Lanes that wait to begin again; `rested` when their pause is over. */
  const held = new Map<string, { rested: boolean }>()
  const failures = new Map<string, number>()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let allHeldUntil = 0
  let width = window
  /** Counts connections: what an old one did says nothing of the new one. */
  let life = 0

  function pump(): void {
    if (stopped() || performance.now() < allHeldUntil) return
    for (const { id, lane } of next()) {
      if (underWay.size >= width) return
      if (underWay.has(id) || held.has(lane)) continue
      underWay.set(id, lane)
      void start(id, lane, life)
    }
  }

  async function start(id: string, lane: string, started: number): Promise<void> {
    const outcome = await send(id)
    if (started !== life) return
    underWay.delete(id)
    if (outcome.again) hold(lane, outcome)
    else {
      failures.delete(lane)
      width = Math.min(window, width + 1)
    }
    release(lane)
    pump()
  }

  function hold(lane: string, { afterMs = 0, all = false }: Outcome): void {
    if (all) {
      width = Math.max(1, Math.floor(width / 2))
      allHeldUntil = Math.max(allHeldUntil, performance.now() + afterMs)
      later(afterMs + 1, pump)
    }
    if (held.has(lane)) return
    const rest = { rested: false }
    held.set(lane, rest)
    const count = (failures.get(lane) ?? 0) + 1
    failures.set(lane, count)
    later(afterMs + fullJitter(count, pause), () => {
      rest.rested = true
      release(lane)
      pump()
    })
  }

  /** Not before everything of the lane that is under way has ended. */
  function release(lane: string): void {
    if (held.get(lane)?.rested && ![...underWay.values()].includes(lane)) held.delete(lane)
  }

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms)
    timers.add(timer)
  }

  return {
    pump,
    reset() {
      life++
      underWay.clear()
      held.clear()
      failures.clear()
      pump()
    },
    stop() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
