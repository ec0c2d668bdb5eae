import type { Log } from '@parley/kit/log'
import type { Conversation, Member } from '../conversation.ts'
import { type Packet, packetOf } from '../socket/packet.ts'
import { type Audience, isFor, type Parts, type Rolls } from './audience.ts'

/** Where a packet goes, as far as telling is concerned. */
export interface Device {
  readonly id: string
  readonly writer: { send(packet: Packet): void; sendEphemeral(packet: Packet): void }
}

/** A packet, whom it is for, and a device that has the news already. */
export interface News {
  audience: Audience
  packet: Packet
  exceptSocket?: string | undefined
}

/**
 * Tells news of conversations to the devices of their members, in order within each conversation. A small audience is told
 * at once. A large one is told in slices, one for each turn of the event loop, and large conversations take turns, so that
 * none holds up the others; what comes for it meanwhile waits behind it in its lane, and is then told together.
 */
export interface Lanes extends Disposable {
  /**
   * `known` is the conversation, where the caller has it with just the membership of the audience. Then there is nothing to
   * wait for, unless the lane is crowded: whoever fills it should be slowed down. Else resolves when it is told, or given up.
   * Never rejects. `passedOn`: other nodes know already.
   */
  tell(news: News, known: Conversation | undefined, passedOn: boolean): Promise<void> | undefined
  /** These were removed: they hear nothing of what is still on its way (P6). */
  withhold(conversationId: string, userIds: readonly string[], membersRev: number): void
}

/** Members who are told without a break. */
const AT_ONCE = 256
/** What a slice may cost: looking at a member costs 1, and so does a packet for a device. About 256 devices, a few milliseconds. */
const SLICE = 4_096
/** The write that a device's packets of one slice share. */
const WRITE_COST = 15
/** News told to each member together, as long as it is short: one write of a socket, and far below the limit of what may wait in it. */
const TOGETHER = 64
const CHARACTERS_TOGETHER = 64_000
/** News that waits in one lane: above the first whoever brings more is slowed down. And characters that wait in all. */
const CROWDED = 32
const MOST_WAITING = 128
const MOST_CHARACTERS = 16_000_000

interface Waiting extends News {
  passedOn: boolean
  done: () => void
}

/** One walk over the members. */
interface Pass {
  news: readonly News[]
  conversation: Conversation
  members: Iterator<Member, undefined>
  done: () => void
}

/** A conversation that is being told something. */
interface Lane {
  id: string
  waiting: Waiting[]
  pass?: Pass
  /** Who was removed since, and by which membership. */
  removed: Map<string, number>
}

/**
 * Opens the lanes of a node. Bounded (P8): when too much waits, all of it but the newest entry is dropped, from whose `rev`
 * devices see that they have to fetch; where marks were among it, a `sync.hint` goes first. Closing drops what is under way.
 */
export function openLanes(deps: {
  rolls: Pick<Rolls, 'members'>
  devicesOf: (userId: string) => Iterable<Device> & { readonly size: number }
  /** To tell the other nodes, as soon as the conversation is known. */
  passOn: (conversation: Conversation, news: News) => void
  parts: Parts
  logger: Log
}): Lanes {
  const { rolls, devicesOf, passOn, parts, logger } = deps
  const lanes = new Map<string, Lane>()
  /** Lanes whose pass has not ended, in the order of their turns. */
  const ready: Lane[] = []
  /** Characters that wait in all lanes. */
  let waiting = 0
  let turning: NodeJS.Immediate | undefined
  let closed = false

  function tellAll(conversation: Conversation, news: News): void {
    const { packet, audience, exceptSocket } = news
    const { rev = Number.POSITIVE_INFINITY, seq = Number.POSITIVE_INFINITY, about, ephemeral, shows } = audience
    if (about !== undefined && !conversation.members.has(about)) return
    for (const { userId, fromRev, fromSeq } of conversation.members.values()) {
      if (fromRev > rev || fromSeq > seq || userId === about) continue
      if (shows !== undefined && parts(shows.what, shows.of, userId)) continue
      for (const device of devicesOf(userId)) {
        if (device.id === exceptSocket) continue
        if (ephemeral) device.writer.sendEphemeral(packet)
        else device.writer.send(packet)
      }
    }
  }

  /** Tells some more members; true when there are none left. */
  function tellSlice({ news, conversation, members }: Pass, removed: Lane['removed']): boolean {
    for (let cost = 0; cost < SLICE; ) {
      const member = members.next().value
      if (!member) return true
      cost++
      const devices = devicesOf(member.userId)
      if (devices.size === 0) continue
      // Removed since the members were read.
      if (removed.size > 0 && (removed.get(member.userId) ?? 0) > conversation.membersRev) continue
      cost += devices.size * (WRITE_COST + news.length)
      for (const each of news) {
        if (!isFor(member, each.audience, conversation, parts)) continue
        for (const device of devices) {
          if (device.id === each.exceptSocket) continue
          if (each.audience.ephemeral) device.writer.sendEphemeral(each.packet)
          else device.writer.send(each.packet)
        }
      }
    }
    return false
  }

  function open(id: string): Lane {
    const lane = { id, waiting: [], removed: new Map() }
    lanes.set(id, lane)
    return lane
  }

  function wait(lane: Lane, news: News, passedOn: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    lane.waiting.push({ ...news, passedOn, done: resolve })
    waiting += news.packet.text.length
    if (lane.waiting.length > MOST_WAITING || waiting > MOST_CHARACTERS) condense(lane)
    return promise
  }

  function condense(lane: Lane): void {
    const all = lane.waiting
    const newest = all.reduce((one, other) => ((other.audience.rev ?? 0) >= (one.audience.rev ?? 0) ? other : one))
    const kept = [newest]
    const dropped = all.filter((each) => each !== newest)
    if (dropped.some(({ audience }) => audience.rev === undefined && !audience.ephemeral))
      kept.unshift({
        packet: packetOf('sync.hint', {}),
        audience: { conversationId: lane.id, membersRev: newest.audience.membersRev },
        passedOn: false,
        done: () => undefined,
      })
    lane.waiting = kept
    waiting += charactersOf(kept) - charactersOf(all)
    for (const { done } of dropped) done()
    if (dropped.length > 1)
      logger.warn({ conversationId: lane.id, dropped: dropped.length }, 'members are told only that there is news')
  }

  /** Takes what waits, and reads who is a member now. */
  function next(lane: Lane): void {
    if (lane.waiting.length === 0) return void lanes.delete(lane.id)
    const news = lane.waiting.splice(0, howMany(lane.waiting))
    waiting -= charactersOf(news)
    const done = (): void => {
      for (const each of news) each.done()
    }
    // With every removal that is known here, so that none has to be remembered for longer than a pass.
    const membersRev = Math.max(...news.map(({ audience }) => audience.membersRev), ...lane.removed.values())
    rolls
      .members(lane.id, membersRev)
      .then((conversation) => {
        if (closed) return done()
        if (!conversation) throw new Error(`there is no conversation ${lane.id}`)
        for (const [userId, rev] of lane.removed) if (rev <= conversation.membersRev) lane.removed.delete(userId)
        for (const each of news) if (!each.passedOn) passOn(conversation, each)
        begin(lane, { news, conversation, members: conversation.members.values(), done })
      })
      .catch((error) => {
        logger.warn({ err: error }, 'an event was not delivered')
        done()
        next(lane)
      })
  }

  function begin(lane: Lane, pass: Pass): void {
    lane.pass = pass
    // Nobody waits for a turn, or it is no longer than what is told at once.
    if (ready.length === 0 || pass.conversation.members.size <= AT_ONCE) advance(lane, pass)
    else queue(lane)
  }

  function advance(lane: Lane, pass: Pass): void {
    let ended = true
    try {
      ended = tellSlice(pass, lane.removed)
    } catch (error) {
      logger.warn({ err: error }, 'an event was not delivered')
    }
    if (ended) {
      delete lane.pass
      pass.done()
      next(lane)
    } else queue(lane)
  }

  function queue(lane: Lane): void {
    ready.push(lane)
    turning ??= setImmediate(turn)
  }

  function turn(): void {
    turning = undefined
    const lane = ready.shift()
    if (lane?.pass) advance(lane, lane.pass)
    if (ready.length > 0) turning ??= setImmediate(turn)
  }

  return {
    tell(news, known, passedOn) {
      if (closed) return undefined
      const { conversationId } = news.audience
      const busy = lanes.size > 0 ? lanes.get(conversationId) : undefined
      if (busy) {
        const told = wait(busy, news, passedOn)
        return known && busy.waiting.length <= CROWDED ? undefined : told
      }
      if (known && known.members.size <= AT_ONCE) {
        tellAll(known, news)
        return undefined
      }
      const lane = open(conversationId)
      if (!known) {
        const told = wait(lane, news, passedOn)
        next(lane)
        return told
      }
      begin(lane, { news: [news], conversation: known, members: known.members.values(), done: () => undefined })
      return undefined
    },
    withhold(conversationId, userIds, membersRev) {
      const lane = lanes.get(conversationId)
      for (const userId of lane ? userIds : []) lane!.removed.set(userId, membersRev)
    },
    [Symbol.dispose]() {
      closed = true
      clearImmediate(turning)
      for (const { pass, waiting } of lanes.values()) {
        pass?.done()
        for (const { done } of waiting) done()
      }
      lanes.clear()
      ready.length = 0
    },
  }
}

const charactersOf = (news: readonly News[]): number => news.reduce((sum, { packet }) => sum + packet.text.length, 0)

/** How many of these are told together: at least the first. */
function howMany(waiting: readonly News[]): number {
  let characters = 0
  let count = 0
  for (const { packet } of waiting) {
    characters += packet.text.length
    if (count > 0 && (characters > CHARACTERS_TOGETHER || count >= TOGETHER)) break
    count++
  }
  return count
}
