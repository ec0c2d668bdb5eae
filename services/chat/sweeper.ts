import { setTimeout as after } from 'node:timers/promises'
import type { Log } from '@parley/kit/log'
import type { LogStore } from './store/store.ts'

/** Every node looks so often. What has disappeared is read by nobody from its moment on; here it is made to be nowhere any more. */
const EVERY_MS = 15_000
/** In one step of the store, and so many steps one after another with a breath between them. */
const AT_ONCE = 100
const BREATH_MS = 20

/** Erases what has disappeared, within a minute. Two nodes that do it at once, or one that dies in the middle, do no harm. */
export function openSweeper(deps: {
  log: Pick<LogStore, 'eraseExpired'>
  logger: Log
  everyMs?: number
}): AsyncDisposable {
  const { log, logger, everyMs = EVERY_MS } = deps
  const closing = new AbortController()
  const pause = (ms: number): Promise<unknown> =>
    after(ms, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)

  async function run(): Promise<void> {
    let failing = false
    while (!closing.signal.aborted) {
      await pause(everyMs * (0.75 + Math.random() / 2))
      try {
        while (!closing.signal.aborted && (await log.eraseExpired(AT_ONCE)) === AT_ONCE) await pause(BREATH_MS)
        failing = false
      } catch (error) {
        if (!failing) logger.warn({ err: error }, 'what has disappeared cannot be erased for the moment')
        failing = true
      }
    }
  }

  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
