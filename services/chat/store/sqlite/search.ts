import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { MessageSearch, MessagesFound, SearchStore } from '../store.ts'
import { isId } from './bytes.ts'
import { SEGMENT } from './search/postings.ts'
import type { Answered, Asked, SearchOptions } from './search/worker.ts'

/** Searches that wait at once: each takes its time, one after the other. */
const WAITING_MAX = 64
/** After its thread has failed, another one is started so much later, and at a search. */
const RESTART_MS = 1_000

/**
 * Looks for messages in a thread of its own, so that nothing else waits for it, and has the index made there. The index is a
 * file beside the store's. Opening waits for nothing; a search does.
 */
export function openSearch(
  path: string,
  { log: logger, on, segment = SEGMENT }: { log: Log | undefined; on: boolean; segment: number | undefined },
): SearchStore & AsyncDisposable {
  const options: SearchOptions = { path, indexPath: join(dirname(path), 'search.db'), size: segment }
  const waiting = new Map<number, { resolve(found: MessagesFound): void; reject(fault: Fault): void }>()
  let asked = 0
  let closed = !on
  let failedAt = Number.NEGATIVE_INFINITY
  let thread: { worker: Worker; exit: Promise<void> } | undefined = on ? start() : undefined

  function start() {
    const worker = new Worker(new URL('search/worker.ts', import.meta.url), { workerData: options })
    worker.on('message', (answered: Answered) => {
      const one = waiting.get(answered.n)
      waiting.delete(answered.n)
      if ('found' in answered) return one?.resolve(answered.found)
      logger?.warn({ reason: answered.failed }, 'messages cannot be searched')
      one?.reject(away())
    })
    worker.on('error', (error) => logger?.error({ err: error }, 'the thread that searches has failed'))
    const exit = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        thread = undefined
        failedAt = performance.now()
        for (const one of waiting.values()) one.reject(away())
        waiting.clear()
        resolve()
      })
    })
    return { worker, exit }
  }

  return {
    async find(search) {
      if (!isId(search.userId)) throw new TypeError('a search by an id that is no UUID')
      if (!closed && !thread && performance.now() - failedAt > RESTART_MS) thread = start()
      if (closed || !thread || waiting.size >= WAITING_MAX) throw away()
      const { worker } = thread
      return new Promise((resolve, reject) => {
        const n = ++asked
        waiting.set(n, { resolve, reject })
        worker.postMessage({ n, search: onlyIds(search) } satisfies Asked)
      })
    },

    async [Symbol.asyncDispose]() {
      closed = true
      thread?.worker.postMessage('close' satisfies Asked)
      await thread?.exit
    },
  }
}

/** A name that is no id names nothing. */
const onlyIds = (search: MessageSearch): MessageSearch => ({
  ...search,
  ...(search.within && { within: { ...search.within, ids: search.within.ids.filter(isId) } }),
})

const away = (): Fault =>
  new Fault('unavailable', 'Messages cannot be searched for the moment. Try again.', { retryAfterMs: 1_000 })
