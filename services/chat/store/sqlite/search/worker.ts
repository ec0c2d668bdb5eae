import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessageSearch, MessagesFound } from '../../store.ts'
import { one } from '../statements.ts'
import { openFinder, unsealedMost } from './find.ts'
import { type IndexFile, openIndexFile, removeIndexFile } from './index-file.ts'
import { openIndexer, type Steps } from './indexer.ts'

/** What the thread is asked, and what it answers. */
export type Asked = { n: number; search: MessageSearch } | 'close'
export type Answered = { n: number; found: MessagesFound } | { n: number; failed: string }

/** What the thread is started with. */
export interface SearchOptions {
  /** The store's file, which is only read here, and the index's own. */
  path: string
  indexPath: string
  /** Positions of the log in a segment of the index. */
  size: number
}

/** How often the log is looked at for what is new: well below the two seconds that are promised. */
const LOOK_MS = 400
/** More than so many entries in a second: what is left of the processor belongs to them. */
const BUSY_PER_SECOND = 50
/** On a busy node the indexer rests for so many times as long as it has worked: that is enough for 40,000 messages in a second. */
const REST = 9
/** For no longer than it has worked, when nearly as much has no segment as searches read as it is. */
const SHORT_REST = 1
const LATE_BEFORE = 1_024

const port = parentPort
if (!port) throw new Error('runs as a worker thread only')
const { path, indexPath, size } = workerData as SearchOptions

const log = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
const position = {
  message: one<{ pos: number | null }>(log, 'lastMessagePos'),
  change: one<{ pos: number | null }>(log, 'lastChangePos'),
}
const last = (): number => Math.max(position.message()?.pos ?? 0, position.change()?.pos ?? 0)
const epoch = String(one<{ value: string }>(log, 'meta')('epoch')?.value)
let index = openIndex()
let steps: Steps | undefined
let timer: NodeJS.Timeout | undefined
let lookedAt = { at: performance.now(), last: last() }
/** How many times as long as it works the indexer rests. */
let rest = 0

/** The index, with what looks through it and what brings it up to the log. */
function openIndex() {
  const file: IndexFile = openIndexFile(indexPath, {
    epoch,
    size,
    last: last(),
    lastChange: position.change()?.pos ?? 0,
  })
  return { file, find: openFinder(log, file), indexer: openIndexer(log, file) }
}

/** Whatever is wrong with the index, it is made anew: the log has all that it was made of. */
function startAnew(): void {
  steps = undefined
  try {
    index.file.close()
  } catch {
    // Then the file is removed from under it.
  }
  removeIndexFile(indexPath)
  index = openIndex()
}

port.on('message', (asked: Asked) => {
  if (asked === 'close') {
    close()
    return
  }
  try {
    answer({ n: asked.n, found: index.find(asked.search) })
  } catch (error) {
    answer({ n: asked.n, failed: String(error) })
    if (isDamaged(error)) restart()
  }
})

const answer = (answered: Answered): void => port.postMessage(answered)

function turn(): void {
  const now = performance.now()
  try {
    if (now - lookedAt.at >= LOOK_MS) {
      const at = last()
      const isBusy = ((at - lookedAt.last) * 1_000) / (now - lookedAt.at) > BUSY_PER_SECOND
      const isLate = at - index.file.sealed * size > unsealedMost(size) - LATE_BEFORE
      rest = isBusy ? (isLate ? SHORT_REST : REST) : 0
      lookedAt = { at: now, last: at }
    }
    steps ??= index.indexer.isBehind() ? index.indexer.work() : undefined
    if (steps?.next().done) steps = undefined
  } catch (error) {
    steps = undefined
    if (isDamaged(error)) {
      restart()
      return
    }
  }
  if (!steps) schedule(LOOK_MS)
  else schedule(rest * (performance.now() - now))
}

/** A message that has come meanwhile has its turn first. */
function schedule(ms: number): void {
  clearTimeout(timer)
  timer = setTimeout(turn, ms)
}

/** Not at once: what fails again and again must not take the processor. */
function restart(): void {
  try {
    startAnew()
  } catch {
    // As when the disk is full: the next turn fails, and comes here again.
  }
  schedule(LOOK_MS)
}

const [CORRUPT, NOTADB, CANTOPEN, IOERR, ERROR] = [11, 26, 14, 10, 1]

/** Not readable, or not what we wrote: a lock held by another and a full disk pass. */
function isDamaged(error: unknown): boolean {
  // A blob of another length than was written.
  if (error instanceof RangeError) return true
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  return [CORRUPT, NOTADB, CANTOPEN, IOERR, ERROR].includes(code)
}

function close(): void {
  clearTimeout(timer)
  try {
    steps?.return()
    index.file.close()
    log.close()
  } catch {
    // What is damaged is found again when it is opened the next time.
  }
  port!.close()
}

schedule(0)
