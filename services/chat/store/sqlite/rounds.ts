import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { Marks } from '@parley/protocol/conversation'
import type { Appended, Draft } from '../store.ts'
import { isId } from './bytes.ts'
import {
  type Command,
  MARKED_WIDTH,
  OUTCOME,
  type Outcome,
  PLACE_WIDTH,
  type Ready,
  type Round,
  type WriterOptions,
} from './round.ts'
import { bodyOf, entryOf } from './rows.ts'

/** Group commit: what arrives while a round is being committed forms the next one, which starts when that one has returned. */
export interface Rounds extends AsyncDisposable {
  readonly epoch: string
  readonly healthy: boolean
  append(draft: Draft): Promise<Appended>
  raise(mark: MarkRequest): Promise<Marks & { changed: boolean }>
  /** Carries out a command; `patient` ones ride along with appends. */
  command(command: Command, patient?: boolean): Promise<boolean | string[]>
}

export interface MarkRequest {
  conversationId: string
  userId: string
  deliveredSeq?: number
  readSeq?: number
}

/** Called on each committed entry, in the order of commits, before its caller hears of it. */
export type OnEntry = (entry: Extract<Appended, { outcome: 'appended' }>['entry'], position: number) => void

/** So many appends form a round at most: a larger one would only make its first callers wait. */
const ROUND_APPENDS = 2_000
/** Marks and other riders wait so long for appends to ride with, when there were some within the same time. The promise is 250 ms. */
const RIDE_MS = 20

interface Waiting<Request, Reply> {
  request: Request
  resolve(reply: Reply): void
  reject(fault: Fault): void
}

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

  const appends: Waiting<Draft, Appended>[] = []
  const marks: Waiting<MarkRequest, Marks & { changed: boolean }>[] = []
  const commands: Waiting<Command, boolean | string[]>[] = []
  let underWay: { appends: typeof appends; marks: typeof marks; commands: typeof commands } | undefined
  let urgent = false
  let scheduled = false
  let rideTimer: NodeJS.Timeout | undefined
  let lastAppendAt = Number.NEGATIVE_INFINITY
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
      if (!isId(draft.conversationId) || !isId(draft.id) || !isId(draft.senderId) || !HASH.test(draft.contentHash))
        return Promise.reject(new TypeError('a draft with an id that is no UUID, or a hash that is none'))
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
    if (appends.length + marks.length + commands.length === 0) {
      drained?.()
      return
    }
    if (!urgent && !drained && performance.now() - lastAppendAt < RIDE_MS) {
      rideTimer ??= setTimeout(() => {
        rideTimer = undefined
        lastAppendAt = Number.NEGATIVE_INFINITY
        start()
      }, RIDE_MS)
      return
    }
    clearTimeout(rideTimer)
    rideTimer = undefined
    underWay = { appends: appends.splice(0, ROUND_APPENDS), marks: marks.splice(0), commands: commands.splice(0) }
    urgent = appends.length > 0
    if (underWay.appends.length > 0) lastAppendAt = performance.now()
    worker.postMessage(roundOf(underWay))
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
    for (const [n, { request, resolve }] of done.marks.entries()) {
      const [deliveredSeq, readSeq, changed] = outcome.marks.slice(n * MARKED_WIDTH, (n + 1) * MARKED_WIDTH) as Marked
      resolve({ userId: request.userId, deliveredSeq, readSeq, changed: changed === 1 })
    }
    for (const [n, { resolve }] of done.commands.entries()) resolve(outcome.replies[n]!)
  }

  /**
   * Nobody in the round is told more than that it failed. What waits behind it goes on, unless the disk cannot be trusted;
   * but in the conversations that it appended to nothing does, or a later message would overtake a refused one.
   */
  function refuse(
    done: NonNullable<typeof underWay>,
    { broken, reason }: Extract<Outcome, { committed: false }>,
  ): void {
    if (!failing) log?.error({ broken, reason }, 'the store cannot commit')
    failing = true
    const fault = failed('The store cannot commit for the moment', reason)
    const refused = new Set(done.appends.map(({ request }) => request.conversationId))
    const behind: typeof appends = []
    for (const waiting of appends.splice(0))
      (refused.has(waiting.request.conversationId) ? behind : appends).push(waiting)
    for (const waiting of [...done.appends, ...behind, ...done.marks, ...done.commands]) waiting.reject(fault)
    if (broken) fail('The store has met an I/O error and must be opened again', reason)
    else start()
  }

  function settleAppends(done: typeof appends, places: number[]): void {
    let entries = 0
    for (const [n, { request, resolve }] of done.entries()) {
      const at = n * PLACE_WIDTH
      const [outcome, rev, headSeq, membersRev, time, position] = places.slice(at, at + PLACE_WIDTH) as Place
      if (outcome === OUTCOME.conflict) resolve({ outcome: 'conflict' })
      else if (outcome === OUTCOME.stale) resolve({ outcome: 'stale' })
      else {
        const entry = entryOf(request, { rev, headSeq, membersRev, at: time })
        if (outcome === OUTCOME.appended) {
          onEntry(entry, position)
          entries++
        }
        resolve({ outcome: outcome === OUTCOME.appended ? 'appended' : 'repeated', entry })
      }
    }
    if (entries > 0) onRound()
  }

  /** The whole store has failed, or is closed: loudly, for everybody. */
  function fail(message: string, cause?: unknown): void {
    over ??= failed(message, cause)
    clearTimeout(rideTimer)
    const lost = underWay ?? { appends: [], marks: [], commands: [] }
    underWay = undefined
    for (const queue of [lost.appends, lost.marks, lost.commands, appends, marks, commands])
      for (const waiting of queue.splice(0)) waiting.reject(over)
    drained?.()
  }
}

type Marked = [deliveredSeq: number, readSeq: number, changed: number]
type Place = [outcome: number, rev: number, headSeq: number, membersRev: number, time: number, position: number]

const HASH = /^(?:[0-9a-f]{2}){16,32}$/

function roundOf(waiting: {
  appends: Waiting<Draft, Appended>[]
  marks: Waiting<MarkRequest, Marks & { changed: boolean }>[]
  commands: Waiting<Command, boolean | string[]>[]
}): Round {
  const round: Round = { appends: [], marks: [], commands: waiting.commands.map(({ request }) => request) }
  for (const { request: draft } of waiting.appends) {
    const { kind, conversationId, id, senderId, contentHash } = draft
    const membersRev = draft.kind === 'created' ? 0 : draft.membersRev
    round.appends.push(kind, conversationId, id, senderId, contentHash, bodyOf(draft), membersRev)
  }
  for (const { request: mark } of waiting.marks)
    round.marks.push(mark.conversationId, mark.userId, mark.deliveredSeq ?? -1, mark.readSeq ?? -1)
  return round
}

/** The ids in a command, which are to be checked here: in the writer's thread a bad one would cost everybody the round. */
function idsOf(command: Command): readonly string[] {
  if ('userId' in command) return [command.userId]
  if ('conversationIds' in command) return command.conversationIds
  return command.do === 'person' ? [command.id] : []
}

const full = () => new Fault('unavailable', 'Too much is waiting to be stored. Try again.', { retryAfterMs: 1_000 })
const closed = () => new Fault('unavailable', 'The store is closed')
const failed = (message: string, cause: unknown) => new Fault('unavailable', message, { cause })
