import { asFault, Fault } from '@parley/kit/fault'
import type { Conversation } from './conversation.ts'

/**
 * Keeps what one device sends in order (P3) while up to `window` sends are under way at once. Sends of one conversation ask
 * the store in the order they came; when one has to be tried again, those behind it wait; after a retryable refusal those
 * behind it are refused too, until the device resends the oldest.
 */
export interface SendOrder {
  run<T>(lane: string, id: string, send: (turn: Turn) => Promise<T>): Promise<T>
}

/** A send's place among the sends of its device in its conversation. */
export interface Turn {
  /** The send before has asked the store, or was refused. */
  ready: Promise<void>
  /** All sends before are over. */
  before: Promise<void>
  /** What the sends before, some still under way, were authorized by: whoever follows them must not be authorized by anything newer, or it might overtake. */
  authorizedBefore(): Conversation | undefined
  /** The refusal of a send that follows a refused one. */
  refusal(): Fault | undefined
  /** The store was asked, on the ground of this conversation. */
  asked(conversation: Conversation): void
}

/** A turn of a send that no other send precedes, such as one over HTTP. */
export const freeTurn: Turn = {
  ready: Promise.resolve(),
  before: Promise.resolve(),
  authorizedBefore: () => undefined,
  refusal: () => undefined,
  asked: () => undefined,
}

interface Place {
  number: number
  ready: PromiseWithResolvers<void>
  over: PromiseWithResolvers<void>
  /** It is over, and so are all before it. */
  ended: boolean
  conversation?: Conversation
}

interface Lane {
  last?: Place
  /** How many have come. */
  came: number
  underWay: number
  /** The oldest send that was refused and may be sent again; it holds up those that came after it. */
  refused?: { id: string; number: number; at: number } | undefined
}

/** What was on its way when a send was refused arrives well within this; a device that gave the refused one up goes on after it. */
const REFUSED_FOR_MS = 10_000
const MAX_LANES = 1_000

/** Opens the order of one device's sends. Above `window` sends are refused with `unavailable`. */
export function openSendOrder(window: number): SendOrder {
  const lanes = new Map<string, Lane>()
  let underWay = 0

  function laneOf(key: string): Lane {
    const known = lanes.get(key)
    if (known) return known
    // Lanes that hold a refusal stay; a client that makes ever new ones loses the oldest.
    for (const [oldest, lane] of lanes.size >= MAX_LANES ? lanes : []) if (lane.underWay === 0) lanes.delete(oldest)
    const lane = { came: 0, underWay: 0 }
    lanes.set(key, lane)
    return lane
  }

  function refuse(lane: Lane, id: string, number: number): void {
    if (!lane.refused || number < lane.refused.number) lane.refused = { id, number, at: Date.now() }
  }

  return {
    async run(key, id, send) {
      const lane = laneOf(key)
      const number = ++lane.came
      if (underWay >= window) {
        refuse(lane, id, number)
        throw new Fault('unavailable', `At most ${window} sends at once: wait for their replies`, { retryAfterMs: 100 })
      }
      const previous = lane.last
      const mine: Place = { number, ready: Promise.withResolvers(), over: Promise.withResolvers(), ended: false }
      lane.last = mine
      lane.underWay++
      underWay++
      try {
        return await send(turnOf(lane, id, previous, mine))
      } catch (error) {
        if (MAY_COME_AGAIN.has(asFault(error).code)) refuse(lane, id, number)
        throw error
      } finally {
        mine.ready.resolve()
        if (!previous || previous.ended) end(mine)
        else void previous.over.promise.then(() => end(mine))
        underWay--
        if (--lane.underWay === 0) lane.last = undefined
        if (lane.underWay === 0 && !lane.refused) lanes.delete(key)
      }
    },
  }
}

function end(place: Place): void {
  place.ended = true
  place.over.resolve()
}

const MAY_COME_AGAIN: ReadonlySet<string> = new Set(['rate.limited', 'unavailable', 'internal'])
const settled = Promise.resolve()

function turnOf(lane: Lane, id: string, previous: Place | undefined, mine: Place): Turn {
  return {
    ready: previous?.ready.promise ?? settled,
    before: previous?.over.promise ?? settled,
    authorizedBefore() {
      if (previous && !previous.ended) mine.conversation = previous.conversation
      return mine.conversation
    },
    refusal() {
      if (!lane.refused || mine.number < lane.refused.number) return undefined
      if (lane.refused.id !== id && Date.now() - lane.refused.at < REFUSED_FOR_MS)
        return new Fault('unavailable', `Send ${lane.refused.id} again first: it was refused before this one`)
      lane.refused = undefined
      return undefined
    },
    asked(conversation) {
      mine.conversation = conversation
      mine.ready.resolve()
    },
  }
}
