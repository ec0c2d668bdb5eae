import { Fault } from '@parley/kit/fault'

/**
 * One piece of work at a time; of what comes meanwhile only the latest waits, and what it takes the place of is refused with
 * `rate.limited`. For what replaces what was asked before: who asks faster than he is served costs no more than who waits (P8).
 */
export type Latest = <T>(work: () => Promise<T>) => Promise<T>

export function openLatest(): Latest {
  let running = false
  let waiting: { begin(): void; refuse(): void } | undefined

  function turn(): Promise<void> {
    if (!running) {
      running = true
      return Promise.resolve()
    }
    waiting?.refuse()
    return new Promise((resolve, reject) => {
      waiting = { begin: resolve, refuse: () => reject(overtaken()) }
    })
  }

  function end(): void {
    const next = waiting
    waiting = undefined
    if (next) next.begin()
    else running = false
  }

  return async (work) => {
    await turn()
    try {
      return await work()
    } finally {
      end()
    }
  }
}

const overtaken = (): Fault => new Fault('rate.limited', 'A later one has taken its place', { retryAfterMs: 1_000 })
