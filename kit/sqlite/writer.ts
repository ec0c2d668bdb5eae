import { Worker } from 'node:worker_threads'
import { Fault } from '../fault.ts'

/** The writes of a store by name, each atomic within the transaction that is open when it is called. */
type Writes = Record<string, (...args: never[]) => unknown>

/** This thread's end of the one writer of a SQLite file, which is a thread of its own (`writer-thread.ts`). */
export interface Writer<W extends Writes> {
  /**
   * Resolves when the write is durable, in the order of the calls. When it rejects it was not done: `unavailable` where it may be the
   * next time, and with an error of SQLite or ours, which is a defect (`internal`), where it would fail again for ever.
   */
  write: Write<W>
  /** Commits what is waiting, then ends the thread. */
  close(): Promise<void>
}

export type Write<W extends Writes> = <K extends keyof W & string>(
  name: K,
  ...args: Parameters<W[K]>
) => Promise<ReturnType<W[K]>>

/** A write on its way to the thread, and what came of it. */
export type WriteRequest = { id: number; name: string; args: unknown[] }
export type WriteReply = { id: number; value?: unknown } | { id: number; error: Error; forGood: boolean }
export type WriterData = { path: string; module: string }

const WAITING_AT_MOST = 10_000

/** A writer for the file, which is migrated already. `module` exports `writes(db)`, which makes what `W` says; the thread loads it. */
export function openWriter<W extends Writes>(path: string, module: URL): Writer<W> {
  const workerData: WriterData = { path, module: module.href }
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  let lastId = 0
  let closed = false

  worker.on('message', (replies: WriteReply[]) => {
    for (const reply of replies) {
      const waiter = waiting.get(reply.id)
      waiting.delete(reply.id)
      if (!('error' in reply)) waiter?.resolve(reply.value as never)
      else waiter?.reject(reply.forGood ? reply.error : unavailable(reply.error))
    }
  })
  // The writer only ever fails for good (see there): this process must not go on as if it could commit.
  worker.on('error', (error) => {
    closed = true
    for (const { reject } of waiting.values()) reject(unavailable(error))
    throw error
  })

  return {
    write(name, ...args) {
      if (closed) return Promise.reject(unavailable('the store is closed'))
      if (waiting.size >= WAITING_AT_MOST) return Promise.reject(unavailable('too many writes are waiting'))
      return new Promise((resolve, reject) => {
        const id = ++lastId
        // First, since it throws for what cannot be passed on.
        worker.postMessage({ id, name, args } satisfies WriteRequest)
        waiting.set(id, { resolve, reject })
      })
    },
    async close() {
      closed = true
      worker.postMessage('close')
      await ended
    },
  }
}

const unavailable = (cause: unknown): Fault =>
  new Fault('unavailable', 'That could not be stored for the moment', { cause, retryAfterMs: 1_000 })
