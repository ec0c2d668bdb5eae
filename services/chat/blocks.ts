import type { Bus } from '@parley/kit/bus/bus'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Conversation } from './conversation.ts'
import { directId } from './direct.ts'
import { noConversation } from './membership.ts'

/** Who blocks whom, in memory and whole: what asks on the way of a message waits for nothing and costs one look into a map. */
export interface Blocks extends AsyncDisposable {
  /** Whether one of the two blocks the other: neither then hears anything of the other that is not said in a group. */
  between(userId: string, otherId: string): boolean
  /** The same of a direct conversation's two; false for any other conversation. */
  apart(conversation: Pick<Conversation, 'id' | 'kind'>): boolean
  /** Whether `otherId` has blocked that user, who is to be told what one is told of nobody. */
  hides(userId: string, otherId: string): boolean
  /**
   * Why that user may not write in this conversation, if so. To who has blocked it says so. To who was blocked it says that
   * nothing can be delivered where they see the conversation anyway, and else (`not_found`) what one is told of nobody.
   */
  refusal(userId: string, conversation: Conversation | undefined): Fault | undefined
}

interface Known {
  rev: number
  /** Those of the two who block the other. */
  by: readonly string[]
}

const PAGE = 500
const RETRY_MS = 1_000
/** Unblocked pairs that are remembered, so that an event from before, if it comes after, blocks nobody again. */
const UNBLOCKED = 10_000

/**
 * Reads all blocks from the user service, then hears of each change from the bus, and reads them again whenever the bus may have
 * lost something. There is no copy of them on disk that could be wrong. Until they were read once nothing direct is let through.
 */
export async function openBlocks(deps: {
  directory: Pick<UserDirectory, 'blocks'>
  bus: Bus
  log: Log
}): Promise<Blocks> {
  const { directory, bus, log } = deps
  /** By the id of the direct conversation of the two. */
  let known = new Map<string, Known>()
  /** Heard since the reading that is under way began: newer than what it reads, or the same. */
  let heard: Map<string, Known> | undefined
  const unblocked = new Set<string>()
  let complete = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  let reading: Promise<void> | undefined
  let again = false

  function note(map: Map<string, Known>, id: string, news: Known): void {
    if ((map.get(id)?.rev ?? -1) <= news.rev) map.set(id, news)
  }

  const listening = await bus.listen(['contact.changed'], (event) => {
    if (event.type !== 'contact.changed') return
    const { low, high } = event.data
    const id = directId(low.userId, high.userId)
    const by = [low, high].filter((side) => side.blocks).map((side) => side.userId)
    const news = { rev: event.rev, by }
    note(known, id, news)
    if (heard) note(heard, id, news)
    if (by.length === 0) forgetLater(id)
  })

  function forgetLater(id: string): void {
    unblocked.delete(id)
    unblocked.add(id)
    if (unblocked.size <= UNBLOCKED) return
    const [oldest] = unblocked
    unblocked.delete(oldest!)
    if (known.get(oldest!)?.by.length === 0) known.delete(oldest!)
  }

  function read(): Promise<void> {
    again = true
    reading ??= readAll().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readAll(): Promise<void> {
    while (again && !closed) {
      again = false
      clearTimeout(retry)
      heard = new Map()
      try {
        const found = new Map<string, Known>()
        for (let after: string | undefined, more = true; more && !closed; ) {
          const page = await directory.blocks(after, PAGE)
          for (const { users, rev, by } of page.items) found.set(directId(...users), { rev, by })
          after = page.next
          more = after !== undefined
        }
        for (const [id, news] of heard) note(found, id, news)
        known = found
        unblocked.clear()
        for (const [id, { by }] of found) if (by.length === 0) unblocked.add(id)
        complete = true
      } catch (error) {
        log.warn({ err: error }, 'the blocks cannot be read')
        if (!closed) retry = setTimeout(() => void read(), RETRY_MS)
      }
      heard = undefined
    }
  }

  await read()
  const states = bus.onState((state) => {
    if (state === 'up') void read()
  })

  const by = (id: string): readonly string[] | undefined => known.get(id)?.by
  const isBlocked = (id: string): boolean => !complete || (by(id)?.length ?? 0) > 0

  return {
    between: (userId, otherId) => userId !== otherId && isBlocked(directId(userId, otherId)),
    apart: ({ kind, id }) => kind === 'direct' && isBlocked(id),
    hides: (userId, otherId) => by(directId(userId, otherId))?.includes(otherId) === true && userId !== otherId,
    refusal(userId, conversation) {
      if (conversation?.kind !== 'direct' || !isBlocked(conversation.id)) return undefined
      if (!complete)
        return new Fault('unavailable', 'That cannot be delivered for the moment', { retryAfterMs: RETRY_MS })
      if (by(conversation.id)?.includes(userId))
        return new Fault('action.forbidden', 'You have blocked this person: unblock them to write')
      if (conversation.headSeq === 0) return noConversation()
      return new Fault('action.forbidden', 'This message cannot be delivered')
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(retry)
      states[Symbol.dispose]()
      await listening[Symbol.asyncDispose]()
      await reading
    },
  }
}
