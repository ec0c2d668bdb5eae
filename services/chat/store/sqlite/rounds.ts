import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { Marks } from '@parley/protocol/conversation'
import type { Appended, Draft } from '../store.ts'
import { type Batch, partsOf, type Waiting, waitingIn } from './batch.ts'
import { isHash, isId } from './bytes.ts'
import { packRound } from './pack.ts'
import {
  type Answer,
  type Command,
  MARKED_WIDTH,
  type MarkRequest,
  OUTCOME,
  type Outcome,
  PLACE_WIDTH,
  type Ready,
  type WriterOptions,
} from './round.ts'
import { entryOf } from './rows.ts'

/** Group commit: what arrives while a round is being committed forms the next one, which starts when that one has returned. */
export interface Rounds extends AsyncDisposable {
  readonly epoch: string
  readonly healthy: boolean
  append(draft: Draft): Promise<Appended>
  raise(mark: MarkRequest): Promise<Marks & { changed: boolean }>
  /** Carries out a command; `patient` ones ride along with appends. */
  command(command: Command, patient?: boolean): Promise<Answer>
}

/** Called on each committed entry, in the order of commits, before its caller hears of it. */
export type OnEntry = (
  entry: Extract<Appended, { outcome: 'appended' }>['entry'],
  position: number,
  expires: number,
) => void

/** So many appends form a round at most: a larger one would only make its first callers wait. */
const ROUND_APPENDS = 2_000
/**
 * Marks and other riders wait so long for appends to ride with, when there were some within the same time. Marks go along no
 * more often than that: most of them move the same few rows on, which are then written once. The promise is 250 ms.
 */
const RIDE_MS = 20
/**
 * What devices record when they sync begins a round at most so often: after a restart it would be one for each few of them. It
 * is what a device that asks for page after page waits for each.
 */
const GATHER_MS = 5

/** Starts the writer's thread. Rejects when the file cannot be used. `onRound` is called after each round with new entries. */
export async function openRounds(
  options: WriterOptions & { log: Log | undefined; onEntry: OnEntry; onRound: () => void },
): Promise<Rounds> {
  const { log, onEntry, onRound, ...writer } = options
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: writer })
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const gone = exit.then((): [Ready] => [{ ready: false, reason: 'its thread has ended' }])
  const [ready] = (await Promise.race([once(worker, 'message'), gone])) as [Ready]
  if (!ready.ready) {
    await exit
    throw new Error(`${options.path} cannot be used: ${ready.reason}`)
  }

  const appends: Batch['appends'] = []
  const marks: Batch['marks'] = []
  const commands: Batch['commands'] = []
  let underWay: Batch | undefined
  /** A round failed for something in it: each part of it, in its order, to be tried by itself, when nothing is remembered any more that may be wrong. */
  let apart: Batch[] = []
  let isApart = false
  let urgent = false
  let scheduled = false
  let rideTimer: NodeJS.Timeout | undefined
  let lastAppendAt = Number.NEGATIVE_INFINITY
  let lastMarksAt = Number.NEGATIVE_INFINITY
  let lastCommandsAt = Number.NEGATIVE_INFINITY
  /** Did the latest round fail? The next may do better: a disk that was full, a lock that another held. */
  let failing = false
  /** Why nothing is accepted any more. */
  let over: Fault | undefined
  let drained: (() => void) | undefined

  worker.on('message', finish)
  worker.on('error', (error) => fail('The store has failed', error))
  worker.on('exit', () => fail('The store is closed'))

  return {
    epoch: ready.epoch,
    get healthy() {
      return !failing && !over
    },

    append(draft) {
      if (!isId(draft.conversationId) || !isId(draft.id) || !isId(draft.senderId) || !isHash(draft.contentHash))
        return Promise.reject(new TypeError('a draft with an id that is no UUID, or a hash that is none'))
      if (!mentionsIn(draft).every(isId)) return Promise.reject(new TypeError('a mention of an id that is no UUID'))
      return enqueue(appends, draft, true)
    },

    raise(mark) {
      if (!isId(mark.conversationId) || !isId(mark.userId))
        return Promise.reject(new TypeError('a mark with an id that is no UUID'))
      return enqueue(marks, mark, false)
    },

    command(command, patient = false) {
      if (!idsOf(command).every(isId)) return Promise.reject(new TypeError('a command with an id that is no UUID'))
      return enqueue(commands, command, !patient)
    },

    async [Symbol.asyncDispose]() {
      over ??= closed()
      await new Promise<void>((resolve) => {
        drained = resolve
        schedule()
      })
      worker.postMessage('close')
      await exit
    },
  }

  function enqueue<Request, Reply>(queue: Waiting<Request, Reply>[], request: Request, now: boolean): Promise<Reply> {
    if (over) return Promise.reject(over)
    if (queue.length >= options.limits.appendQueue) return Promise.reject(full())
    return new Promise((resolve, reject) => {
      queue.push({ request, resolve, reject })
      urgent ||= now
      schedule()
    })
  }

  /** A round begins when the event loop comes round: what its other sockets bring in the same turn goes along. */
  function schedule(): void {
    if (underWay || scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      start()
    })
  }

  function start(): void {
    if (underWay) return
    const one = apart.shift()
    isApart = one !== undefined
    if (one) {
      begin(one)
      return
    }
    if (appends.length + marks.length + commands.length === 0) {
      drained?.()
      return
    }
    const now = performance.now()
    const waitMs = urgent || drained ? 0 : riderWaitMs(now)
    if (waitMs > 0) {
      rideTimer ??= setTimeout(() => {
        rideTimer = undefined
        lastAppendAt = Number.NEGATIVE_INFINITY
        lastMarksAt = Number.NEGATIVE_INFINITY
        lastCommandsAt = Number.NEGATIVE_INFINITY
        start()
      }, waitMs)
      return
    }
    clearTimeout(rideTimer)
    rideTimer = undefined
    const riding = drained || now - lastMarksAt >= RIDE_MS ? marks.splice(0) : []
    const batch = { appends: appends.splice(0, ROUND_APPENDS), marks: riding, commands: commands.splice(0) }
    urgent = appends.length > 0
    if (batch.appends.length > 0) lastAppendAt = now
    if (riding.length > 0) lastMarksAt = now
    if (batch.commands.length > 0) lastCommandsAt = now
    begin(batch)
  }

  function begin(batch: Batch): void {
    underWay = batch
    const asked = batch.commands.map(({ request }) => request)
    worker.postMessage(packRound(batch.appends, batch.marks, asked))
  }

  function riderWaitMs(now: number): number {
    if (now - Math.max(lastAppendAt, lastMarksAt) < RIDE_MS) return RIDE_MS
    return marks.length === 0 && now - lastCommandsAt < GATHER_MS ? GATHER_MS : 0
  }

  function finish(outcome: Outcome): void {
    const done = underWay
    underWay = undefined
    if (!done) return
    if (!outcome.committed) {
      refuse(done, outcome)
      return
    }
    failing = false
    start()
    settleAppends(done.appends, outcome.appends)
    settleMarks(done.marks, outcome.marks)
    for (const [n, { resolve }] of done.commands.entries()) resolve(outcome.replies[n]!)
  }

  /**
   * Nobody in the round is told more than that it failed. What waits behind it goes on, unless the disk cannot be trusted;
   * but in the conversations that it appended to nothing does, or a later message would overtake a refused one. Where the cause is in the
   * round itself, only whoever brought it is refused for good, and the others are as if it had not been there.
   */
  function refuse(done: Batch, { broken, forGood, reason }: Extract<Outcome, { committed: false }>): void {
    const isOwnFault = forGood && !broken
    if (isOwnFault && !isApart) {
      apart = partsOf(done)
      start()
      return
    }
    const fault = failed('The store cannot commit for the moment', reason)
    const cause = isOwnFault ? new Error(`This can never be stored: ${reason}`) : fault
    if (isOwnFault) log?.error({ reason }, 'the store was given what it can never store')
    else if (!failing) log?.error({ broken, reason }, 'the store cannot commit')
    failing ||= !isOwnFault
    for (const waiting of waitingIn(done)) waiting.reject(cause)
    for (const waiting of behind(new Set(done.appends.map(({ request }) => request.conversationId))))
      waiting.reject(fault)
    if (broken) fail('The store has met an I/O error and must be opened again', reason)
    else start()
  }

  /** Takes out what waits to be appended to these conversations. */
  function behind(refused: ReadonlySet<string>): Batch['appends'] {
    const isBehind = ({ request }: Batch['appends'][number]): boolean => refused.has(request.conversationId)
    const found = [...apart.flatMap((part) => part.appends), ...appends].filter(isBehind)
    apart = apart.filter((part) => !part.appends.some(isBehind))
    for (const waiting of appends.splice(0)) if (!isBehind(waiting)) appends.push(waiting)
    return found
  }

  function settleAppends(done: typeof appends, places: Float64Array): void {
    let entries = 0
    let n = 0
    for (const { request, resolve } of done) {
      const outcome = places[n]
      const place = {
        rev: places[n + 1]!,
        headSeq: places[n + 2]!,
        membersRev: places[n + 3]!,
        at: places[n + 4]!,
        expires: places[n + 6]!,
      }
      const position = places[n + 5]!
      n += PLACE_WIDTH
      if (outcome === OUTCOME.conflict) resolve({ outcome: 'conflict' })
      else if (outcome === OUTCOME.stale) resolve({ outcome: 'stale' })
      else {
        const entry = entryOf(request, place)
        if (outcome === OUTCOME.appended) {
          onEntry(entry, position, place.expires)
          entries++
        }
        resolve({ outcome: outcome === OUTCOME.appended ? 'appended' : 'repeated', entry })
      }
    }
    if (entries > 0) onRound()
  }

  function settleMarks(done: typeof marks, marked: Float64Array): void {
    let n = 0
    for (const { request, resolve } of done) {
      const [deliveredSeq, readSeq, changed] = [marked[n]!, marked[n + 1]!, marked[n + 2] === 1]
      n += MARKED_WIDTH
      resolve({ userId: request.userId, deliveredSeq, readSeq, changed })
    }
  }

  /** The whole store has failed, or is closed: loudly, for everybody. */
  function fail(message: string, cause?: unknown): void {
    over ??= failed(message, cause)
    clearTimeout(rideTimer)
    const queued = { appends: appends.splice(0), marks: marks.splice(0), commands: commands.splice(0) }
    const lost = [...(underWay ? [underWay] : []), ...apart, queued]
    underWay = undefined
    apart = []
    for (const waiting of lost.flatMap(waitingIn)) waiting.reject(over)
    drained?.()
  }
}

/** The ids in a command, which are to be checked here: in the writer's thread a bad one would cost everybody the round. */
function idsOf(command: Command): readonly string[] {
  if (command.do === 'unstar') return [command.userId, ...command.messages.map((message) => message.conversationId)]
  if ('stay' in command) return [command.userId, command.stay.conversationId]
  if ('userId' in command) return [command.userId]
  if ('conversationIds' in command) return command.conversationIds
  return command.do === 'person' ? [command.id] : []
}

/** Checked here for the same reason. */
function mentionsIn(draft: Draft): readonly string[] {
  if (draft.kind === 'message') return draft.extras?.mentions ?? NOBODY
  return (draft.kind === 'message.edited' && draft.mentions) || NOBODY
}

const NOBODY: readonly string[] = []

const full = () => new Fault('unavailable', 'Too much is waiting to be stored. Try again.', { retryAfterMs: 1_000 })
const closed = () => new Fault('unavailable', 'The store is closed')
const failed = (message: string, cause: unknown) => new Fault('unavailable', message, { cause })
