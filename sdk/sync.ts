import type { LogPage, SyncPage } from '@parley/protocol/conversation'
import { isTimelineEvent, namedInEvent } from '@parley/protocol/timeline-event'
import type { Api } from './api.ts'
import { delay, fullJitter } from './backoff.ts'
import type { Link } from './connection.ts'
import type { Conversation, Device } from './device.ts'
import { asParleyError, unavailable } from './error.ts'
import { needsFacts } from './held.ts'
import { isBehind } from './timeline.ts'

/** Brings the device up to the head after each `hello`, and keeps it there. The socket is a hint; this reads the truth (P4). */
export interface Sync {
  /** Reads the list, then what each conversation lacks, then says `live`; goes on until the link is gone. */
  follow(link: Link): Promise<void>
  /** Read the list again: at once, or within a jitter of our own when many devices are told to. */
  now(): void
  soon(): void
  /** Something of a conversation is missing. It may be on its way: wait a little, then fetch it. */
  behind(conversationId: string): void
  /** News of a conversation that this device does not know. */
  unknown(conversationId: string): void
  /** The cursor cannot be resumed. */
  anew(): void
  /** Nothing is known to be missing. */
  readonly idle: boolean
  stop(): void
}

const AT_ONCE = 4
const HINT_JITTER_MS = 2_000
/**
 * What was committed just before this device connected was told to the sockets of then, and may reach the list only after
 * this device has read it: so it reads the list once more.
 */
const LOOK_AGAIN_MS = { least: 1_000, jitter: 2_000 }
const BACKOFF = { base: 300, cap: 10_000 }

export function openSync({
  device,
  api,
  gapWaitMs,
  live,
  synced,
  lost,
  stir,
}: {
  device: Device
  api: Api
  gapWaitMs: number
  live(): void
  synced(page: SyncPage): void
  /** A conversation that was asked for is not there for us. */
  lost(conversationId: string): void
  /** `idle` may have changed. */
  stir(): void
}): Sync {
  let listWanted = true
  let isLive = false
  let reading = false
  const unknown = new Set<string>()
  const waits = new Map<string, ReturnType<typeof setTimeout>>()
  let hint: ReturnType<typeof setTimeout> | undefined
  let woken = Promise.withResolvers<void>()

  async function follow(link: Link): Promise<void> {
    listWanted = true
    isLive = false
    const gone = new Promise<void>((resolve) => link.gone.addEventListener('abort', () => resolve()))
    const { least, jitter } = LOOK_AGAIN_MS
    void delay(least + Math.random() * jitter, link.gone).then(() => link.gone.aborted || now())
    for (let failures = 0; !link.gone.aborted; ) {
      woken = Promise.withResolvers()
      try {
        if (await step(link)) {
          failures = 0
          continue
        }
      } catch (error) {
        const wait = asParleyError(error).problem.retryAfterMs ?? 0
        await delay(wait + fullJitter(++failures, BACKOFF), link.gone)
        continue
      }
      if (link.gone.aborted) break
      isLive = true
      live()
      stir()
      await Promise.race([woken.promise, gone])
    }
    isLive = false
  }

  /** Does some of what is to be done; false when there is nothing. */
  async function step(link: Link): Promise<boolean> {
    reading = true
    try {
      if (listWanted) {
        await readList(link)
        return true
      }
      const todo = [...unknown].map((id) => () => meet(link, id))
      const missing = device.missing().filter(({ held }) => !waits.has(held.id))
      todo.push(...missing.map((conversation) => () => catchUp(link, conversation)))
      await atOnce(AT_ONCE, todo)
      return todo.length > 0
    } finally {
      reading = false
    }
  }

  async function readList(link: Link): Promise<void> {
    for (let more = true; more; ) {
      // Only what is asked for from now on sees what happened before now.
      listWanted = false
      try {
        const asked = device.doubts()
        const page = await api.list(device.cursor())
        if (link.gone.aborted) return
        await device.takePage(page, asked)
        synced(page)
        more = page.more
      } catch (error) {
        listWanted = true
        if (asParleyError(error).problem.code !== 'cursor.expired' || link.gone.aborted) throw error
        device.beginAnew()
      }
    }
  }

  async function meet(link: Link, id: string): Promise<void> {
    await whileMember(link, id, async () => {
      if (device.conversations.has(id)) return
      await ask(link, id)
      if (!device.conversations.has(id)) throw unavailable('The conversation is not told as it is yet')
    })
    unknown.delete(id)
  }

  async function catchUp(link: Link, { held: { id } }: Conversation): Promise<void> {
    await whileMember(link, id, async () => {
      const first = device.conversations.get(id)
      if (!first) return
      if (needsFacts(first.held) || !isBehind(first.held) || device.isTooFar(first)) {
        await ask(link, id)
        const asked = device.conversations.get(id)
        if (asked && needsFacts(asked.held)) throw unavailable('The conversation is not told as it is yet')
      }
      while (!link.gone.aborted) {
        const before = device.conversations.get(id)?.held
        if (!before || !isBehind(before)) return
        const page = await api.log(id, before.rev)
        await learnNames(id, page)
        if (link.gone.aborted) return
        device.takeLog(id, page)
        const after = device.conversations.get(id)?.held
        if (!after || after.rev > before.rev) continue
        // The log does not go on where this device stands: it left and came back meanwhile.
        await ask(link, id)
        if (device.conversations.get(id)?.held.rev === before.rev)
          throw unavailable('The log cannot be read from here yet')
      }
    })
  }

  /** The log has ids only; who is no longer in a conversation, or in a large one, is not in its list of members. */
  async function learnNames(id: string, { items }: LogPage): Promise<void> {
    const seqs = items.flatMap((entry) => {
      const named = entry.kind === 'message' ? [entry.senderId] : isTimelineEvent(entry) ? namedInEvent(entry) : []
      return named.some((userId) => !device.people.has(userId)) ? [entry.headSeq] : []
    })
    const [first, last] = [seqs[0], seqs.at(-1)]
    if (first === undefined || last === undefined) return
    // Without the names the messages are still all there.
    const named = await api.messages(id, last + 1, last - first + 1).catch(() => undefined)
    for (const { senderId, sender } of named?.items ?? []) if (sender) device.people.set(senderId, sender)
    for (const { id, username } of named?.people ?? []) device.people.set(id, username)
  }

  async function ask(link: Link, id: string): Promise<void> {
    const asked = device.doubts()
    const item = await api.item(id)
    if (!link.gone.aborted) device.takeItem(item, asked)
  }

  async function whileMember(link: Link, id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { code } = asParleyError(error).problem
      if (link.gone.aborted || (code !== 'not_found' && code !== 'cursor.expired')) throw error
      if (code === 'cursor.expired') return anew()
      device.drop(id)
      lost(id)
    }
  }

  function anew(): void {
    device.beginAnew()
    now()
  }

  function now(): void {
    listWanted = true
    woken.resolve()
  }

  return {
    follow,
    now,
    soon() {
      hint ??= setTimeout(() => {
        hint = undefined
        now()
      }, Math.random() * HINT_JITTER_MS)
    },
    behind(id) {
      if (!isLive) return woken.resolve()
      if (waits.has(id)) return
      const timer = setTimeout(() => {
        waits.delete(id)
        woken.resolve()
        stir()
      }, gapWaitMs)
      waits.set(id, timer)
    },
    unknown(id) {
      unknown.add(id)
      // The list most likely names it; and it takes the cursor along, so that the device is told when it is gone again.
      now()
    },
    anew,
    get idle() {
      return isLive && !reading && !listWanted && unknown.size === 0 && device.missing().length === 0
    },
    stop() {
      clearTimeout(hint)
      for (const timer of waits.values()) clearTimeout(timer)
    },
  }
}

/** Runs all, at most `limit` at a time, and rejects with the first error when all have had their turn. */
async function atOnce(limit: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const rest = [...tasks]
  const errors: unknown[] = []
  const worker = async (): Promise<void> => {
    for (let task = rest.shift(); task; task = rest.shift()) await task().catch((error) => errors.push(error))
  }
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, worker))
  if (errors.length > 0) throw errors[0]
}
