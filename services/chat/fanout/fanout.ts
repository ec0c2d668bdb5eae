import type { Bus, Deliveries } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { ChangeEntry, Entry, MessageEntry } from '@parley/protocol/conversation'
import { LIMITS, partitionOf } from '@parley/protocol/limits'
import { namesMessage } from '@parley/protocol/message-change'
import type { PresenceItem } from '@parley/protocol/socket'
import { isTimelineEvent, namedInEvent } from '@parley/protocol/timeline-event'
import type { Conversation } from '../conversation.ts'
import type { Discretion } from '../people/discretion.ts'
import type { People } from '../people/people.ts'
import type { Connections } from '../socket/connections.ts'
import { type Packet, packetOf } from '../socket/packet.ts'
import type { LogStore } from '../store/store.ts'
import { type Audience, openRolls } from './audience.ts'
import { packDelivery, unpackDelivery } from './delivery.ts'
import { type News, openLanes } from './lanes.ts'

/** Brings events to the sockets of those who may have them, on this node and on the others. A hint, never a promise: what is lost, sync finds. Nothing here rejects. */
export interface Fanout extends AsyncDisposable {
  /**
   * A committed entry, to all devices of the members but `exceptSocket`; to those it removed, that the conversation is gone.
   * `conversation` must have the very membership that the entry was committed with. Undefined when there is nothing to wait
   * for: this node's sockets were told, or soon are. Else resolves when they are, which slows down whoever floods a large
   * conversation.
   */
  entry(
    entry: Entry,
    known?: { conversation?: Conversation; sender?: string; exceptSocket?: string | undefined },
  ): Promise<void> | undefined
  /** Any other event of a conversation, to its members as narrowed by the audience. Give `conversation` only where its members never change. */
  event(
    name: string,
    data: object,
    audience: Audience,
    known?: { conversation?: Conversation | undefined; exceptSocket?: string | undefined },
  ): Promise<void> | undefined
  /** How a user is now, to whoever watches that user on any node. */
  toWatchers(item: PresenceItem): void
  /** From when it resolves, events for that user arrive at this node. */
  receive(userId: string): Promise<void>
  release(userId: string): void
}

/** Opens this node's mailbox. `watchers` delivers to the watchers on this node; `passed` hears of each entry. Closing drops what is still being told. */
export async function openFanout(deps: {
  log: LogStore
  bus: Bus
  people: People
  connections: Connections
  logger: Log
  discretion: Pick<Discretion, 'parts'>
  watchers: (item: PresenceItem) => void
  passed: (entry: Entry) => void
}): Promise<Fanout> {
  const { log, bus, people, connections, discretion, logger, watchers, passed } = deps
  const rolls = openRolls(log, bus, () => deliveries.lost())
  const lanes = openLanes({ rolls, devicesOf: connections.of, passOn: toOthers, parts: discretion.parts, logger })
  const bound = new Map<number, number>()
  const deliveries: Deliveries = await bus.openDeliveries((delivery) => {
    const { about, packet, gone } = unpackDelivery(delivery.body)
    if ('watched' in about) return watchers(about.watched)
    deliver({ audience: about, packet }, { gone, here: true })
  })

  /** Decides the way: to some members directly, to all by their lane. `here`: on this node only. */
  function deliver(
    news: News,
    more: { known?: Conversation | undefined; gone?: Packet | undefined; here?: boolean },
  ): Promise<void> | undefined {
    const { known, gone, here = false } = more
    const { conversationId, membersRev, only, removed } = news.audience
    try {
      if (gone && removed) {
        lanes.withhold(conversationId, removed, membersRev)
        void withMembers(news.audience, (conversation) => {
          tellGone(conversation, removed, gone)
          if (!here) toOthers(conversation, news, gone)
        })
        return lanes.tell(news, undefined, true)
      }
      if (only)
        return withMembers(news.audience, (conversation) => {
          tellOnly(conversation, news, only)
          if (!here) toOthers(conversation, news)
        })
      if (known?.membersRev !== membersRev) return lanes.tell(news, undefined, here)
      toOthers(known, news)
      return lanes.tell(news, known, true)
    } catch (error) {
      logger.warn({ err: error }, 'an event was not delivered')
      return undefined
    }
  }

  async function withMembers(audience: Audience, use: (conversation: Conversation) => void): Promise<void> {
    try {
      const conversation = await rolls.members(audience.conversationId, audience.membersRev)
      if (conversation) use(conversation)
    } catch (error) {
      logger.warn({ err: error }, 'an event was not delivered')
    }
  }

  function tellOnly(conversation: Conversation, { packet, exceptSocket }: News, only: readonly string[]): void {
    for (const userId of only) {
      if (!conversation.members.has(userId)) continue
      for (const { id, writer } of connections.of(userId)) if (id !== exceptSocket) writer.send(packet)
    }
  }

  function tellGone(conversation: Conversation, removed: readonly string[], gone: Packet): void {
    for (const userId of removed) {
      // Who was added again since then is no stranger.
      if (conversation.members.has(userId)) continue
      for (const { writer } of connections.of(userId)) writer.send(gone)
    }
  }

  function toOthers(conversation: Conversation, { audience, packet }: News, gone?: Packet): void {
    if (deliveries.alone()) return
    const { only, removed } = audience
    const partitions = only ? partitionsOf(only) : partitionsOfAll(conversation.members)
    const more = removed ? partitionsOf(removed).filter((partition) => !partitions.includes(partition)) : []
    deliveries.publish({ partitions: [...partitions, ...more], body: packDelivery(audience, packet, gone) })
  }

  async function withName(entry: MessageEntry, exceptSocket: string | undefined): Promise<void> {
    const names = await people.names([entry.senderId])
    await tellEntry(entry, messageNew(entry, names.get(entry.senderId) ?? ''), { exceptSocket })
  }

  /** What is shown among the messages comes with the names that are at hand: nothing may hold up the news of a removal. */
  function updated(entry: ChangeEntry): Packet {
    const { conversationId } = entry
    if (!isTimelineEvent(entry)) return packetOf('conversation.updated', { conversationId, entry })
    const named = people.atHand(namedInEvent(entry).slice(0, LIMITS.idsPerCall))
    return packetOf('conversation.updated', { conversationId, entry, people: named })
  }

  function tellEntry(
    entry: Entry,
    packet: Packet,
    { conversation, exceptSocket }: { conversation?: Conversation | undefined; exceptSocket?: string | undefined },
  ): Promise<void> | undefined {
    const { conversationId, membersRev, rev } = entry
    if (entry.kind !== 'members.removed') {
      const seq = namesMessage(entry) ? { seq: entry.seq } : undefined
      const audience = { conversationId, membersRev, rev, ...seq }
      return deliver({ audience, packet, exceptSocket }, { known: conversation })
    }
    const audience = { conversationId, membersRev, rev, removed: entry.userIds }
    const gone = packetOf('conversation.updated', { conversationId, gone: true, rev })
    return deliver({ audience, packet, exceptSocket }, { gone })
  }

  return {
    entry(entry, known = {}) {
      passed(entry)
      // An empty direct conversation is hidden until someone writes.
      if (entry.kind === 'created' && entry.conversationKind === 'direct') return undefined
      const telling =
        entry.kind !== 'message'
          ? tellEntry(entry, updated(entry), known)
          : known.sender === undefined
            ? withName(entry, known.exceptSocket)
            : tellEntry(entry, messageNew(entry, known.sender), known)
      if (telling) return telling.then(afterFanout)
      afterFanout()
      return undefined
    },
    event: (name, data, audience, { conversation, exceptSocket } = {}) =>
      deliver({ audience, packet: packetOf(name, data), exceptSocket }, { known: conversation }),
    toWatchers(item) {
      watchers(item)
      if (!deliveries.alone())
        deliveries.publish({
          partitions: EVERYONE,
          body: packDelivery({ watched: item }, packetOf('presence.changed', item)),
        })
    },
    async receive(userId) {
      const partition = partitionOf(userId)
      bound.set(partition, (bound.get(partition) ?? 0) + 1)
      await deliveries.bind(partition)
    },
    release(userId) {
      const partition = partitionOf(userId)
      const left = (bound.get(partition) ?? 1) - 1
      if (left > 0) return void bound.set(partition, left)
      bound.delete(partition)
      deliveries.unbind(partition)
    },
    async [Symbol.asyncDispose]() {
      lanes[Symbol.dispose]()
      rolls[Symbol.dispose]()
      await deliveries[Symbol.asyncDispose]()
    },
  }
}

const messageNew = (entry: MessageEntry, sender: string): Packet => packetOf('message.new', { ...entry, sender })
const afterFanout = (): void => crashPoint('fanout.after')

/** Watchers of a user may be anywhere: more than 32 partitions go to all nodes. */
const EVERYONE: readonly number[] = Array.from({ length: 256 }, (_, partition) => partition)

const partitionsOf = (userIds: Iterable<string>): number[] => [...new Set(Array.from(userIds, partitionOf))]

/** The same members are asked for with each message. */
const partitionsKnown = new WeakMap<Conversation['members'], readonly number[]>()

function partitionsOfAll(members: Conversation['members']): readonly number[] {
  const known = partitionsKnown.get(members)
  if (known) return known
  const partitions = partitionsOf(members.keys())
  partitionsKnown.set(members, partitions)
  return partitions
}
