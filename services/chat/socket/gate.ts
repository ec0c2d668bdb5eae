import { Fault } from '@parley/kit/fault'

/** Lets at most so many pieces of work run at once (P8). */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** Who waits was let in before: within P9's two seconds of a revocation no answer may come any more. */
const WAIT_MS = 1_500

/**
 * At most `atOnce` run; at most twenty times as many wait, at most `waitMs`. Who cannot be let in is refused with
 * `unavailable` and a retry time that is jittered, so that a storm comes back spread out.
 */
export function openGate(atOnce: number, waitMs = WAIT_MS): Gate {
  let running = 0
  const waiting = new Set<() => void>()

  function admitted(): Promise<void> {
    if (running < atOnce) {
      running++
      return Promise.resolve()
    }
    if (waiting.size >= atOnce * 20) return Promise.reject(tooMany())
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(admit)
        reject(tooMany())
      }, waitMs)
      waiting.add(admit)
    })
  }

  function leave(): void {
    const [next] = waiting
    if (!next) return void running--
    waiting.delete(next)
    next()
  }

  return async (work) => {
    await admitted()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

const tooMany = (): Fault =>
  new Fault('unavailable', 'Too many are asking at once: try again shortly', {
    retryAfterMs: 1_000 + Math.random() * 4_000,
  })
