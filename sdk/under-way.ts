import { delay } from './backoff.ts'

/** What is asked in the name of a session, so that what ends the session is the last of it: nothing else is refused for a session that is over. */
export interface UnderWay {
  /** Asks at once; where something is being asked alone, after that. */
  run<T>(ask: () => Promise<T>): Promise<T>
  /** Asks when all that is under way was answered or given up, and before anything else. */
  alone<T>(ask: () => Promise<T>): Promise<T>
  /** Aborts when what is under way is waited for no longer. */
  readonly givenUp: AbortSignal
}

/** What a server that is well has answered by then. */
const WAIT_MS = 2_000

export function openUnderWay(): UnderWay {
  const running = new Set<Promise<unknown>>()
  let alone: Promise<void> | undefined
  let giveUp = new AbortController()

  async function rest(): Promise<void> {
    if (running.size === 0) return
    const late = new AbortController()
    await Promise.race([Promise.allSettled(running), delay(WAIT_MS, late.signal)])
    late.abort()
    giveUp.abort()
    giveUp = new AbortController()
  }

  return {
    async run(ask) {
      while (alone) await alone
      const done = ask()
      running.add(done)
      try {
        return await done
      } finally {
        running.delete(done)
      }
    },
    async alone(ask) {
      while (alone) await alone
      const over = Promise.withResolvers<void>()
      alone = over.promise
      try {
        await rest()
        return await ask()
      } finally {
        alone = undefined
        over.resolve()
      }
    },
    get givenUp() {
      return giveUp.signal
    },
  }
}
