import type { DatabaseSync } from 'node:sqlite'
import { idBytes, idOf } from './bytes.ts'
import { all, one, write } from './statements.ts'

/** Leases of devices and heartbeats of nodes, within a round's transaction. */
export class Leases {
  readonly #leaseMs: number
  readonly #alive
  readonly #deadNodes
  readonly #ofNode
  readonly #beat
  readonly #add
  readonly #end
  readonly #endNode
  readonly #endAllOfNode
  readonly #seen

  constructor(db: DatabaseSync, leaseMs: number) {
    this.#leaseMs = leaseMs
    this.#alive = one<object>(db, 'leaseAlive')
    this.#deadNodes = all<{ id: string; beat: number }>(db, 'deadNodes')
    this.#ofNode = all<{ user: Uint8Array }>(db, 'leasesOfNode')
    this.#beat = write(db, 'beat')
    this.#add = write(db, 'lease')
    this.#end = write(db, 'endLease')
    this.#endNode = write(db, 'deadNode')
    this.#endAllOfNode = write(db, 'endLeasesOfNode')
    this.#seen = write(db, 'lastSeen')
  }

  /** Whether it is the user's first. */
  connect(lease: { nodeId: string; socketId: string; userId: string; idle?: boolean }, now: number): boolean {
    const user = idBytes(lease.userId)
    const first = !this.#here(user, now)
    this.#beat(lease.nodeId, now)
    this.#add(user, lease.nodeId, lease.socketId, lease.idle ? 1 : 0)
    return first
  }

  /** Whether none is left. */
  disconnect(lease: { nodeId: string; socketId: string; userId: string }, now: number): boolean {
    const user = idBytes(lease.userId)
    const ended = this.#end(user, lease.nodeId, lease.socketId) > 0
    const last = !this.#here(user, now)
    if (ended && last) this.#seen(user, now)
    return last
  }

  heartbeat(nodeId: string, now: number): void {
    this.#beat(nodeId, now)
  }

  /** Ends the leases of dead nodes; gives the users who have none left. */
  expire(now: number): string[] {
    const gone = new Map<string, { user: Uint8Array; seenAt: number }>()
    for (const { id, beat } of this.#deadNodes(now - this.#leaseMs)) {
      for (const { user } of this.#ofNode(id)) {
        const seenAt = Math.max(beat, gone.get(idOf(user))?.seenAt ?? 0)
        gone.set(idOf(user), { user, seenAt })
      }
      this.#endAllOfNode(id)
      this.#endNode(id)
    }
    for (const [userId, { user, seenAt }] of gone) {
      if (this.#here(user, now)) gone.delete(userId)
      else this.#seen(user, seenAt)
    }
    return [...gone.keys()]
  }

  #here(user: Uint8Array, now: number): boolean {
    return this.#alive(user, now - this.#leaseMs) !== undefined
  }
}
