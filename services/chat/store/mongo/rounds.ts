import type { Appended, Draft } from '../store.ts'
import { unavailable } from './connection.ts'
import { gate } from './gate.ts'

/** A draft whose caller waits. */
export interface Waiting {
  draft: Draft
  /** When it was called, by this process's own clock. */
  since: number
  /** The `_id`s under which it was sent so far: an entry found under one of them was appended by us. */
  sentAs: Set<string>
  resolve(appended: Appended): void
  reject(error: unknown): void
}

/** Commits drafts of one conversation with distinct ids, in their order; answers each. False when it had to give some up. */
export type CommitRound = (conversationId: string, round: readonly Waiting[]) => Promise<boolean>

const ROUND_DRAFTS = 500
const ROUND_CHARACTERS = 2_000_000
const ROUNDS_AT_ONCE = 32
/** How long closing waits for the rounds under way. */
const CLOSE_GRACE_MS = 10_000

/**
 * Group commit: drafts of one conversation that arrive while a round is under way commit together in the next; conversations
 * go on side by side. When a round gives a draft up, what was called after it in that conversation is refused too, so that
 * nothing overtakes it. At most `queue` callers wait; above that `unavailable` at once.
 */
export function openRounds(commit: CommitRound, queue: number) {
  const lines = new Map<string, Waiting[]>()
  const running = new Set<Promise<void>>()
  const inTurn = gate(ROUNDS_AT_ONCE)
  let waiting = 0
  let closed = false

  function append(draft: Draft): Promise<Appended> {
    if (closed || waiting >= queue) return Promise.reject(unavailable())
    waiting++
    return new Promise<Appended>((resolve, reject) => {
      const line = lines.get(draft.conversationId)
      const item = { draft, since: performance.now(), sentAs: new Set<string>(), resolve, reject }
      if (line) line.push(item)
      else start(draft.conversationId, [item])
    }).finally(() => waiting--)
  }

  function start(conversationId: string, line: Waiting[]): void {
    lines.set(conversationId, line)
    const run = runLine(conversationId, line)
    running.add(run)
    run.finally(() => running.delete(run))
  }

  async function runLine(conversationId: string, line: Waiting[]): Promise<void> {
    // What is appended in this very turn of the event loop shares the first round.
    await null
    while (line.length > 0) {
      const kept = await inTurn(() => commit(conversationId, takeRound(line)))
      if (!kept || closed) for (const item of line.splice(0)) item.reject(unavailable())
    }
    lines.delete(conversationId)
  }

  return {
    append,
    /** Refuses what waits, and lets the rounds under way end. */
    async close(): Promise<void> {
      closed = true
      await atMost(CLOSE_GRACE_MS, Promise.all(running))
    },
  }
}

/**
 * As many of the first as may go together. A change ends its round, so that all drafts of a round are decided on one
 * membership. An id that comes twice waits for the next, where the first is found.
 */
function takeRound(line: Waiting[]): Waiting[] {
  const ids = new Set<string>()
  let characters = 0
  let count = 0
  for (const { draft } of line) {
    if (ids.has(draft.id) || count === ROUND_DRAFTS || characters > ROUND_CHARACTERS) break
    ids.add(draft.id)
    count++
    if (draft.kind !== 'message') break
    characters += draft.text.length
  }
  return line.splice(0, count)
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work, late])
  clearTimeout(timer)
}
