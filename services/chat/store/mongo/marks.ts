import { crashPoint } from '@parley/kit/crash'
import type { Marks } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import type { MarkStore } from '../store.ts'
import type { Collections, MarksDocument } from './collections.ts'
import { answered, BOUNDED, isDuplicate, READ, unavailable } from './connection.ts'
import { gate } from './gate.ts'
import type { Heads } from './heads.ts'
import type { Raise } from './raise.ts'
import { Recent } from './recent.ts'

/** How long a mark waits for others of the same member: half a hundred writes a second become one, and nobody sees it. */
const GATHER_MS = 50
const CONVERSATIONS_AT_ONCE = 16
/** Whoever has waited this long for a turn is refused and sends again. */
const GIVE_UP_MS = 10_000
const REMEMBERED = 50_000

type Raised = Marks & { changed: boolean }

interface Call {
  userId: string
  deliveredSeq: number
  readSeq: number
  resolve(marks: Raised): void
  reject(error: unknown): void
}

/** High-water marks: one document per conversation and member, only ever raised. `close` writes what was gathered. */
export function openMarks(parts: {
  collections: Collections
  heads: Heads
  raise: Raise
  queue: number
}): MarkStore & { close(): Promise<void> } {
  const { heads, raise } = parts
  const { marks } = parts.collections
  const inTurn = gate(CONVERSATIONS_AT_ONCE)
  const running = new Set<Promise<void>>()
  /** Marks whose inboxes this process has raised: a repeat of them needs nothing. */
  const shown = new Recent<Marks>(REMEMBERED)
  let gathered = new Map<string, Call[]>()
  let timer: NodeJS.Timeout | undefined
  let waiting = 0
  let closed = false

  function gather(mark: Parameters<MarkStore['raise']>[0]): Promise<Raised> {
    if (closed || waiting >= parts.queue) return Promise.reject(unavailable())
    waiting++
    const { conversationId, userId, readSeq = 0 } = mark
    const deliveredSeq = Math.max(mark.deliveredSeq ?? 0, readSeq)
    return new Promise<Raised>((resolve, reject) => {
      const calls = gathered.get(conversationId) ?? []
      calls.push({ userId, deliveredSeq, readSeq, resolve, reject })
      gathered.set(conversationId, calls)
      timer ??= setTimeout(flush, GATHER_MS)
    }).finally(() => waiting--)
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const batch = gathered
    gathered = new Map()
    const deadline = performance.now() + GIVE_UP_MS
    for (const [conversationId, calls] of batch) {
      const turn = () =>
        performance.now() > deadline ? Promise.reject(unavailable()) : writeAll(conversationId, calls)
      const run = inTurn(turn).catch((error: unknown) => {
        for (const call of calls) call.reject(error)
      })
      running.add(run)
      run.finally(() => running.delete(run))
    }
  }

  async function writeAll(conversationId: string, calls: readonly Call[]): Promise<void> {
    const largest = Math.max(...calls.map((call) => call.deliveredSeq))
    const head = await heads.knownWhen(conversationId, (known) => known.conversation.headSeq >= largest)
    const headSeq = head?.conversation.headSeq ?? 0
    const byUser = [...Map.groupBy(calls, (call) => call.userId)]
    const written = await Promise.all(byUser.map(([userId, own]) => write(conversationId, userId, own, headSeq)))
    const unseen = written.filter(({ now }) => !isShown(conversationId, now))
    if (unseen.length > 0) await show(conversationId, unseen)
    for (const { replies } of written) for (const { call, marks } of replies) call.resolve(marks)
  }

  /** Raises one member's marks, and works out what each call changed, as if they had come one by one. */
  async function write(conversationId: string, userId: string, calls: readonly Call[], headSeq: number) {
    const clamped = calls.map((call) => ({
      call,
      deliveredSeq: Math.min(call.deliveredSeq, headSeq),
      readSeq: Math.min(call.readSeq, headSeq),
    }))
    const deliveredSeq = Math.max(...clamped.map((call) => call.deliveredSeq))
    const readSeq = Math.max(...clamped.map((call) => call.readSeq))
    crashPoint('marks.before-commit')
    let now = await raiseMarks({ conversationId, userId, deliveredSeq, readSeq })
    const changes = clamped.map((asked) => {
      const next = {
        userId,
        deliveredSeq: Math.max(now.deliveredSeq, asked.deliveredSeq),
        readSeq: Math.max(now.readSeq, asked.readSeq),
      }
      const changed = next.deliveredSeq > now.deliveredSeq || next.readSeq > now.readSeq
      now = next
      return { call: asked.call, changed }
    })
    return { now, replies: changes.map(({ call, changed }) => ({ call, marks: { ...now, changed } })) }
  }

  /** Merges by max in one step; gives the marks as they were before. */
  async function raiseMarks({ conversationId, userId, deliveredSeq, readSeq }: MarksDocument): Promise<Marks> {
    const none = { userId, deliveredSeq: 0, readSeq: 0 }
    const filter = { conversationId, userId }
    const update = { $max: { deliveredSeq, readSeq } }
    const asBefore = { ...BOUNDED, upsert: true, returnDocument: 'before' } as const
    if (deliveredSeq === 0) return (await marks.findOne(filter, { ...BOUNDED, projection: MARKS })) ?? none
    for (let tries = 1; ; tries++) {
      try {
        return (await marks.findOneAndUpdate(filter, update, { ...asBefore, projection: MARKS })) ?? none
      } catch (error) {
        // Another process made the document in the same moment: it is there now.
        if (!isDuplicate(error) || tries === 3) throw error
      }
    }
  }

  /** After the marks are durable: those who see them are told, as the membership is now. */
  async function show(conversationId: string, unseen: readonly { now: Marks }[]): Promise<void> {
    const head = await heads.load(conversationId)
    if (!head) return
    const { members } = head.conversation
    const all = members.size <= LIMITS.marksMembers ? [...members.keys()] : unseen.map(({ now }) => now.userId)
    await raise(
      head.conversation,
      all.filter((userId) => members.has(userId)),
      [],
    )
    for (const { now } of unseen) shown.set(`${conversationId} ${now.userId}`, now)
  }

  function isShown(conversationId: string, now: Marks): boolean {
    if (now.deliveredSeq === 0) return true
    const last = shown.get(`${conversationId} ${now.userId}`)
    return last !== undefined && last.deliveredSeq >= now.deliveredSeq && last.readSeq >= now.readSeq
  }

  return {
    raise: (mark) => answered(gather(mark)),
    async read(conversationId, userIds) {
      const filter = { conversationId, ...(userIds ? { userId: { $in: [...userIds] } } : {}) }
      return answered(marks.find(filter, { ...READ, projection: MARKS }).toArray())
    },
    async close() {
      closed = true
      flush()
      await Promise.all(running)
    },
  }
}

const MARKS = { _id: 0, userId: 1, deliveredSeq: 1, readSeq: 1 } as const
