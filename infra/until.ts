import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until the answer is not `undefined` or `false`; for facts that no event tells (a port of another process, a process that is not
 * a child). Rejects after `withinMs`, naming `what` and the last error.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + withinMs
  let last: unknown
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      if (error instanceof Hopeless) throw error
      last = error
    }
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms for ${what}`, { cause: last })
    await delay(pause)
  }
}

/** Thrown by a probe when waiting longer makes no sense. */
export class Hopeless extends Error {}
