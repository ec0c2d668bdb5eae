import type { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openFile } from './file.ts'
import { isForGood } from './for-good.ts'
import type { WriteReply, WriteRequest, WriterData } from './writer.ts'

/**
 * The one writer of the file, a worker thread: an fsync blocks it and not the sockets. Requests that arrive while a commit runs
 * are committed together by the next one, so that under load one fsync serves many.
 */
const AT_ONCE = 256 // bounds the length of a transaction, and so the wait of the first in it
const port = parentPort!
const { path, module } = workerData as WriterData
const { writes } = (await import(module)) as { writes: (db: DatabaseSync) => Record<string, unknown> }
const db = openFile(path)
const perform = writes(db)

port.on('message', (first: WriteRequest | 'close') => {
  const batch: WriteRequest[] = []
  let next: WriteRequest | 'close' | undefined = first
  while (next !== undefined && next !== 'close' && batch.length < AT_ONCE - 1) {
    batch.push(next)
    next = receiveMessageOnPort(port)?.message as WriteRequest | 'close' | undefined
  }
  if (next !== undefined && next !== 'close') batch.push(next)
  if (batch.length > 0) port.postMessage(commit(batch))
  if (next !== 'close') return
  db.close()
  port.close()
})

function commit(batch: WriteRequest[]): WriteReply[] {
  try {
    db.exec('BEGIN IMMEDIATE')
    const replies = batch.map(one)
    db.exec('COMMIT')
    return replies
  } catch (error) {
    // After an I/O error nothing that was said before can be relied on: die, and let the next start recover the file.
    if (isInputOutput(error)) throw error
    if (db.isTransaction) db.exec('ROLLBACK')
    // Of several it is not known which one it was.
    return batch.map(({ id }) => ({ id, error: error as Error, forGood: batch.length === 1 && isForGood(error) }))
  }
}

/** One write of the batch; when it fails, the others stand. */
function one(request: WriteRequest): WriteReply {
  db.exec('SAVEPOINT one')
  try {
    const run = perform[request.name] as (...args: unknown[]) => unknown
    const value = run(...request.args)
    db.exec('RELEASE one')
    return { id: request.id, value }
  } catch (error) {
    // Some failures (disk full, I/O) end the whole transaction: then none of the batch stands.
    if (!db.isTransaction) throw error
    db.exec('ROLLBACK TO one; RELEASE one')
    return { id: request.id, error: error as Error, forGood: isForGood(error) }
  }
}

const SQLITE_IOERR = 10
const isInputOutput = (error: unknown): boolean =>
  (Number((error as { errcode?: number }).errcode) & 0xff) === SQLITE_IOERR
