import type { Bus, Deliveries } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import { partitionOf } from '@parley/protocol/limits'
import { type Audience, audienceOf, openRolls } from './audience.ts'
import type { Connections } from './connections.ts'
import type { Conversation } from './conversation.ts'
import { packDelivery, unpackDelivery } from './delivery.ts'
import type { People } from './people.ts'
import type { LogStore } from './store/store.ts'
import { type Packet, packetOf } from './writer.ts'

/** Brings events to the sockets of those who may have them, on this node and on the others. A hint, never a promise: what is lost, sync finds. Nothing here rejects. */
export interface Fanout extends AsyncDisposable {
  /** A committed entry, to all devices of the members but `exceptSocket`; to those it removed, that the conversation is gone. */
  entry(
    entry: Entry,
    known?: { conversation?: Conversation; sender?: string; exceptSocket?: string | undefined },
  ): Promise<void>
  /** Any other event of a conversation, to its members as narrowed by the audience. */
  event(name: string, data: object, audience: Audience, exceptSocket?: string): Promise<void>
  /** An event about a user, to whoever watches that user on any node. */
  toWatchers(userId: string, packet: Packet): void
  /** From when it resolves, events for that user arrive at this node. */
  receive(userId: string): Promise<void>
  release(userId: string): void
}

/** Opens this node's mailbox. `watchers` delivers to the watchers on this node; `passed` hears of each entry. */
export async function openFanout(deps: {
  log: LogStore
  bus: Bus
  people: People
  connections: Connections
  logger: Log
  watchers: (userId: string, packet: Packet) => void
  passed: (entry: Entry) => void
}): Promise<Fanout> {
  const { log, bus, people, connections, logger, watchers, passed } = deps
  const rolls = openRolls(log, bus)
  const bound = new Map<number, number>()
  const deliveries: Deliveries = await bus.openDeliveries((delivery) => {
    const { about, packet, gone } = unpackDelivery(delivery.body)
    if ('watched' in about) return watchers(about.watched, packet)
    rolls
      .members(about.conversationId, about.membersRev)
      .then((conversation) => toLocal(conversation, about, packet, gone))
      .catch((error) => logger.warn({ err: error }, 'a delivery was dropped'))
  })

  function toLocal(
    conversation: Conversation | undefined,
    audience: Audience,
    packet: Packet,
    gone?: Packet,
    exceptSocket?: string,
  ): void {
    if (!conversation) return
    for (const userId of audienceOf(conversation, audience)) {
      for (const connection of connections.of(userId)) {
        if (connection.id === exceptSocket) continue
        if (audience.ephemeral) connection.writer.sendEphemeral(packet)
        else connection.writer.send(packet)
      }
    }
    if (!gone) return
    for (const userId of audience.removed ?? []) {
      // Who was added again since then is no stranger.
      if (conversation.members.has(userId)) continue
      for (const connection of connections.of(userId)) connection.writer.send(gone)
    }
  }

  function toOthers(conversation: Conversation, audience: Audience, packet: Packet, gone?: Packet): void {
    const partitions = new Set<number>()
    for (const userId of audienceOf(conversation, audience)) partitions.add(partitionOf(userId))
    for (const userId of audience.removed ?? []) partitions.add(partitionOf(userId))
    if (partitions.size > 0)
      deliveries.publish({ partitions: [...partitions], body: packDelivery(audience, packet, gone) })
  }

  async function deliver(
    audience: Audience,
    packet: Packet,
    more: { known?: Conversation | undefined; gone?: Packet; exceptSocket?: string | undefined },
  ): Promise<void> {
    try {
      const conversation =
        more.known?.membersRev === audience.membersRev
          ? more.known
          : await rolls.members(audience.conversationId, audience.membersRev)
      if (!conversation) return
      toLocal(conversation, audience, packet, more.gone, more.exceptSocket)
      toOthers(conversation, audience, packet, more.gone)
    } catch (error) {
      logger.warn({ err: error }, 'an event was not delivered')
    }
  }

  return {
    async entry(entry, { conversation, sender, exceptSocket } = {}) {
      passed(entry)
      const { conversationId, membersRev } = entry
      const removed = entry.kind === 'members.removed' ? entry.userIds : undefined
      const audience: Audience = { conversationId, membersRev, rev: entry.rev, ...(removed && { removed }) }
      // An empty direct conversation is hidden until someone writes.
      if (entry.kind === 'created' && entry.conversationKind === 'direct') return
      const packet =
        entry.kind === 'message'
          ? packetOf('message.new', {
              ...entry,
              sender: sender ?? (await people.names([entry.senderId])).get(entry.senderId) ?? '',
            })
          : packetOf('conversation.updated', { conversationId, entry })
      const gone = removed && packetOf('conversation.updated', { conversationId, gone: true })
      await deliver(audience, packet, { known: conversation, exceptSocket, ...(gone && { gone }) })
      crashPoint('fanout.after')
    },
    event: (name, data, audience, exceptSocket) => deliver(audience, packetOf(name, data), { exceptSocket }),
    toWatchers(userId, packet) {
      watchers(userId, packet)
      deliveries.publish({ partitions: EVERYONE, body: packDelivery({ watched: userId }, packet) })
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
      rolls[Symbol.dispose]()
      await deliveries[Symbol.asyncDispose]()
    },
  }
}

/** Watchers of a user may be anywhere: more than 32 partitions go to all nodes. */
const EVERYONE: readonly number[] = Array.from({ length: 256 }, (_, partition) => partition)
