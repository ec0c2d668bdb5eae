import type { Document } from 'mongodb'
import type { PresenceStore } from '../store.ts'
import type { Collections, PresenceDocument } from './collections.ts'
import { answered, BOUNDED, READ } from './connection.ts'

/** Users whose leases one call of `expire` ends at most; the next call goes on. */
const EXPIRED_AT_ONCE = 500

/**
 * One document per user holds the leases, so that coming and going are atomic; one document in all says when each node was
 * last heard of. Only the database's clock (`$$NOW`) is asked. A node that is not in there, or silent for `leaseMs`, is dead.
 */
export function openPresence(
  { presence, nodes }: Pick<Collections, 'presence' | 'nodes'>,
  leaseMs: number,
): PresenceStore {
  const heard = new Map<string, number>()

  async function heartbeat(nodeId: string): Promise<void> {
    const others = {
      $filter: { input: { $ifNull: ['$nodes', []] }, cond: { $ne: ['$$this.node', { $literal: nodeId }] } },
    }
    const all = { $concatArrays: [others, [{ node: { $literal: nodeId }, seen: '$$NOW' }]] }
    await nodes.updateOne({ _id: 'nodes' }, [{ $set: { nodes: all } }], { ...BOUNDED, upsert: true })
    heard.set(nodeId, performance.now())
  }

  /** Which nodes live and which are dead, at one moment of the database's clock. */
  async function census(): Promise<{ alive: Set<string>; dead: string[] }> {
    const silent = { $lte: ['$$this.seen', { $subtract: ['$$NOW', leaseMs] }] }
    const projection = {
      alive: { $filter: { input: '$nodes', cond: { $not: [silent] } } },
      dead: { $filter: { input: '$nodes', cond: silent } },
    }
    const found = await nodes.findOne<{ alive: { node: string }[]; dead: { node: string }[] }>(
      { _id: 'nodes' },
      { ...BOUNDED, projection },
    )
    return {
      alive: new Set(found?.alive.map(({ node }) => node)),
      dead: found?.dead.map(({ node }) => node) ?? [],
    }
  }

  async function connect({ idle, ...lease }: Parameters<PresenceStore['connect']>[0]): Promise<{ first: boolean }> {
    // A coming is a sign of life too; one in a third of a lease is enough.
    if (performance.now() - (heard.get(lease.nodeId) ?? -leaseMs) > leaseMs / 3) await heartbeat(lease.nodeId)
    const added = [{ node: { $literal: lease.nodeId }, socket: { $literal: lease.socketId }, ...(idle && { idle }) }]
    const leases = { $concatArrays: [without(sameLease(lease)), added] }
    const options = { ...BOUNDED, upsert: true, returnDocument: 'before' } as const
    const before = await presence.findOneAndUpdate({ _id: lease.userId }, [{ $set: { leases } }], options)
    const { alive } = await census()
    return { first: !isOnline(before, alive) }
  }

  async function disconnect(lease: { nodeId: string; socketId: string; userId: string }): Promise<{ last: boolean }> {
    const { nodeId: node, socketId: socket, userId } = lease
    const held = { _id: userId, leases: { $elemMatch: { node, socket } } }
    const leave = { $set: { leases: without(sameLease(lease)), lastSeenAt: '$$NOW' } }
    const options = { ...BOUNDED, returnDocument: 'after' } as const
    const after =
      (await presence.findOneAndUpdate(held, [leave], options)) ?? (await presence.findOne({ _id: userId }, BOUNDED))
    const { alive } = await census()
    return { last: !isOnline(after, alive) }
  }

  async function expire(): Promise<string[]> {
    const { alive, dead } = await census()
    if (dead.length === 0) return []
    const orphans = { 'leases.node': { $in: dead } }
    const users = await presence.find(orphans, { ...READ, limit: EXPIRED_AT_ONCE, projection: { _id: 1 } }).toArray()
    const gone: string[] = []
    for (const { _id } of users) {
      // Whoever's update still meets a lease of a dead node has ended it: one caller in all.
      const leave = { $set: { leases: without({ $in: ['$$this.node', { $literal: dead }] }), lastSeenAt: '$$NOW' } }
      const options = { ...BOUNDED, returnDocument: 'after' } as const
      const after = await presence.findOneAndUpdate({ _id, ...orphans }, [leave], options)
      if (after && !isOnline(after, alive)) gone.push(_id)
    }
    if (users.length < EXPIRED_AT_ONCE) await forget(dead)
    return gone
  }

  /** Takes nodes off the list, unless they were heard of again. */
  async function forget(dead: readonly string[]): Promise<void> {
    const silent = { $lte: ['$$this.seen', { $subtract: ['$$NOW', leaseMs] }] }
    const cond = { $not: [{ $and: [silent, { $in: ['$$this.node', { $literal: dead }] }] }] }
    await nodes.updateOne({ _id: 'nodes' }, [{ $set: { nodes: { $filter: { input: '$nodes', cond } } } }], BOUNDED)
  }

  async function read(userIds: readonly string[]) {
    const [found, { alive }] = await Promise.all([
      presence.find({ _id: { $in: [...new Set(userIds)] } }, READ).toArray(),
      census(),
    ])
    const byUser = new Map(found.map((document) => [document._id, document]))
    return userIds.map((userId) => {
      const document = byUser.get(userId) ?? null
      const lastSeenAt = document?.lastSeenAt?.toISOString()
      return { userId, online: isOnline(document, alive), ...(lastSeenAt ? { lastSeenAt } : {}) }
    })
  }

  async function active(userIds: readonly string[]): Promise<string[]> {
    const [found, { alive }] = await Promise.all([
      presence.find({ _id: { $in: [...new Set(userIds)] } }, READ).toArray(),
      census(),
    ])
    const inUse = ({ leases }: PresenceDocument): boolean => leases.some(({ node, idle }) => !idle && alive.has(node))
    const users = new Set(found.filter(inUse).map(({ _id }) => _id))
    return userIds.filter((userId) => users.has(userId))
  }

  return {
    connect: (lease) => answered(connect(lease)),
    disconnect: (lease) => answered(disconnect(lease)),
    heartbeat: (nodeId) => answered(heartbeat(nodeId)),
    expire: () => answered(expire()),
    read: (userIds) => answered(read(userIds)),
    active: (userIds) => answered(active(userIds)),
  }
}

function isOnline(document: PresenceDocument | null, alive: ReadonlySet<string>): boolean {
  return document?.leases.some(({ node }) => alive.has(node)) ?? false
}

/** The user's leases but those that `cond` (on `$$this`) holds for. */
function without(cond: Document): Document {
  return { $filter: { input: { $ifNull: ['$leases', []] }, cond: { $not: [cond] } } }
}

function sameLease({ nodeId, socketId }: { nodeId: string; socketId: string }): Document {
  return { $and: [{ $eq: ['$$this.node', { $literal: nodeId }] }, { $eq: ['$$this.socket', { $literal: socketId }] }] }
}
