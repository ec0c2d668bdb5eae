import { asFault, Fault } from '@parley/kit/fault'
import type { Conversation } from '../conversation.ts'

/**
 * Keeps what one device sends in order (P3) while up to `window` sends are under way at once. Sends of one conversation ask
 * the store in the order they came; when one has to be tried again, those behind it wait; after a retryable refusal those
 * behind it are refused too, until the device resends the oldest. What could be taken after one that was refused for good is to be
 * sent again as well: where the connection breaks before the device knows of that, it resends the refused one, which may be taken now.
 */
export interface SendOrder {
  /** `otherName`: by what another send may call the same conversation. */
  run<T>(lane: string, id: string, send: (turn: Turn) => Promise<T>, otherName?: string): Promise<T>
  /** The device hears no more answers. */
  unheard(): void
}

/** A send's place among the sends of its device in its conversation. */
export interface Turn {
  /** Resolves when the send before has asked the store, or was refused; undefined where that is so. */
  readonly ready: Promise<void> | undefined
  /** Resolves when all sends before are over; undefined where they are. */
  readonly before: Promise<void> | undefined
  /** What the sends before, some still under way, were authorized by: whoever follows them must not be authorized by anything newer, or it might overtake. */
  authorizedBefore(): Conversation | undefined
  /** The refusal of a send that follows a refused one. */
  refusal(): Fault | undefined
  /** To be asked when nothing else is against it: the refusal of a send that may have left the device before it knew that one before was refused for good. */
  doubt(): Fault | undefined
  /** The store was asked, on the ground of this conversation. */
  asked(conversation: Conversation): void
}

/** A turn of a send that no other send precedes, such as one over HTTP. */
export const freeTurn: Turn = {
  ready: undefined,
  before: undefined,
  authorizedBefore: () => undefined,
  refusal: () => undefined,
  doubt: () => undefined,
  asked: () => undefined,
}

interface Lane {
  /** What it goes by: more than one where a send called its conversation by more than one. */
  readonly names: string[]
  last?: Place | undefined
  /** How many have come. */
  came: number
  underWay: number
  /** The oldest send that was refused and may be sent again; it holds up those that came after it. */
  refused?: Refused | undefined
  /** The latest that was refused for a reason that may be over by now. */
  refusedForGood?: Refused | undefined
}

interface Refused {
  readonly id: string
  readonly number: number
  at: number
}

/** What was on its way when a send was refused arrives well within this; a device that gave the refused one up goes on after it. */
const REFUSED_FOR_MS = 10_000
const NEVER_HEARD = Number.POSITIVE_INFINITY
const MAX_LANES = 1_000

/** Opens the order of one device's sends. Above `window` sends are refused with `unavailable`. */
export function openSendOrder(window: number): SendOrder {
  const lanes = new Map<string, Lane>()
  let underWay = 0
  let isHeard = true

  function laneOf(name: string, otherName: string | undefined): Lane {
    const lane = lanes.get(name) ?? (otherName === undefined ? undefined : lanes.get(otherName)) ?? open()
    call(lane, name)
    if (otherName !== undefined) call(lane, otherName)
    return lane
  }

  function open(): Lane {
    // Lanes that hold a refusal stay; a client that makes ever new ones loses the oldest.
    for (const [oldest, lane] of lanes.size >= MAX_LANES ? lanes : []) if (lane.underWay === 0) lanes.delete(oldest)
    return { names: [], came: 0, underWay: 0 }
  }

  function call(lane: Lane, name: string): void {
    if (lanes.has(name)) return
    lanes.set(name, lane)
    lane.names.push(name)
  }

  function refuse(lane: Lane, id: string, number: number): void {
    // A device that sends this again has heard what was answered before.
    if (lane.refusedForGood && number > lane.refusedForGood.number) lane.refusedForGood = undefined
    if (!lane.refused || number < lane.refused.number) lane.refused = { id, number, at: Date.now() }
  }

  function refuseForGood(lane: Lane, id: string, number: number): void {
    const at = isHeard ? Date.now() : NEVER_HEARD
    if (!lane.refusedForGood || number > lane.refusedForGood.number) lane.refusedForGood = { id, number, at }
  }

  return {
    unheard() {
      isHeard = false
      for (const { refusedForGood } of lanes.values()) if (refusedForGood) refusedForGood.at = NEVER_HEARD
    },
    async run(name, id, send, otherName) {
      const lane = laneOf(name, otherName)
      const number = ++lane.came
      if (underWay >= window) {
        refuse(lane, id, number)
        throw new Fault('unavailable', `At most ${window} sends at once: wait for their replies`, { retryAfterMs: 100 })
      }
      const place = new Place(lane, id, number)
      lane.last = place
      lane.underWay++
      underWay++
      try {
        return await send(place)
      } catch (error) {
        const { code } = asFault(error)
        if (MAY_COME_AGAIN.has(code)) refuse(lane, id, number)
        else if (MAY_BE_TAKEN_LATER.has(code)) refuseForGood(lane, id, number)
        throw error
      } finally {
        place.isOver()
        underWay--
        if (--lane.underWay === 0) lane.last = undefined
        if (lane.underWay === 0 && !lane.refused && !lane.refusedForGood)
          for (const each of lane.names) lanes.delete(each)
      }
    },
  }
}

const MAY_COME_AGAIN: ReadonlySet<string> = new Set(['rate.limited', 'unavailable', 'internal'])
/** Who is added, or blocked no more, may say under the same id what was refused before. */
const MAY_BE_TAKEN_LATER: ReadonlySet<string> = new Set(['not_found', 'action.forbidden'])

/** Promises are made only where somebody waits: most sends find those before them asked, and over when they are. */
class Place implements Turn {
  readonly #lane: Lane
  readonly #id: string
  readonly #number: number
  /** The send before, until it and all before it are over. */
  #previous: Place | undefined
  #hasAsked = false
  #asking: PromiseWithResolvers<void> | undefined
  #ended = false
  #ending: PromiseWithResolvers<void> | undefined
  #conversation: Conversation | undefined

  constructor(lane: Lane, id: string, number: number) {
    this.#lane = lane
    this.#id = id
    this.#number = number
    const { last } = lane
    this.#previous = last === undefined || last.#ended ? undefined : last
  }

  get ready(): Promise<void> | undefined {
    const previous = this.#previous
    if (!previous || previous.#hasAsked) return undefined
    previous.#asking ??= Promise.withResolvers()
    return previous.#asking.promise
  }

  get before(): Promise<void> | undefined {
    const previous = this.#previous
    if (!previous || previous.#ended) return undefined
    previous.#ending ??= Promise.withResolvers()
    return previous.#ending.promise
  }

  authorizedBefore(): Conversation | undefined {
    if (this.#previous && !this.#previous.#ended) this.#conversation = this.#previous.#conversation
    return this.#conversation
  }

  refusal(): Fault | undefined {
    const { refused } = this.#lane
    if (!refused || this.#number < refused.number) return undefined
    if (refused.id !== this.#id && Date.now() - refused.at < REFUSED_FOR_MS)
      return new Fault('unavailable', `Send ${refused.id} again first: it was refused before this one`)
    this.#lane.refused = undefined
    return undefined
  }

  /**
   * Answers keep their order, so a device that sends it again after this knows of the refusal before. Until then what follows is
   * refused with it, as after any refusal that may come again.
   */
  doubt(): Fault | undefined {
    const { refusedForGood: before } = this.#lane
    if (!before || this.#number < before.number) return undefined
    if (before.id === this.#id || Date.now() - before.at >= REFUSED_FOR_MS) {
      this.#lane.refusedForGood = undefined
      return undefined
    }
    return new Fault('unavailable', `Send it again: ${before.id} was refused before it`, { retryAfterMs: 0 })
  }

  asked(conversation: Conversation): void {
    this.#conversation = conversation
    this.#goOn()
  }

  /** To be called once: what follows may go on, and this has ended when all before it have. */
  isOver(): void {
    this.#goOn()
    const { before } = this
    if (before) void before.then(() => this.#end())
    else this.#end()
  }

  #goOn(): void {
    this.#hasAsked = true
    this.#asking?.resolve()
  }

  #end(): void {
    this.#ended = true
    this.#previous = undefined
    this.#ending?.resolve()
  }
}
