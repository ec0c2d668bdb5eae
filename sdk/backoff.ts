/** Full jitter: anything from 0 to `base * 2^(attempt - 1)`, at most `cap`; milliseconds. `attempt` is 1, 2, 3… */
export function fullJitter(attempt: number, { base, cap }: { base: number; cap: number }): number {
  return Math.random() * Math.min(cap, base * 2 ** Math.min(attempt - 1, 20))
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
