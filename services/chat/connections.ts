import type { Actor } from '@parley/kit/token'
import { openSendOrder, type SendOrder } from './send-order.ts'
import type { Writer } from './writer.ts'

/** One connected device. */
export interface Connection {
  readonly id: string
  /** Renewed by `session.refresh`; the user and the session stay the same. */
  actor: Actor
  readonly writer: Writer
  readonly sends: SendOrder
  /** Conversations that this device is typing in, and since when it was last told of. */
  readonly typing: Map<string, number>
  /** Users whom this device watches, each with a conversation that both are in. */
  watched: Map<string, string>
  /** Events refused since the last one that was not. */
  refusals: number
}

/** The devices connected to this node, by user and by session. */
export interface Connections {
  add(connection: Connection): void
  remove(connection: Connection): void
  of(userId: string): ReadonlySet<Connection>
  ofSession(sessionId: string): readonly Connection[]
  all(): Iterable<Connection>
  users(): string[]
  readonly size: number
}

const nobody: ReadonlySet<Connection> = new Set()

export function openConnections(): Connections {
  const byUser = new Map<string, Set<Connection>>()
  const everyone = new Set<Connection>()

  return {
    add(connection) {
      everyone.add(connection)
      const own = byUser.get(connection.actor.userId)
      if (own) own.add(connection)
      else byUser.set(connection.actor.userId, new Set([connection]))
    },
    remove(connection) {
      everyone.delete(connection)
      const own = byUser.get(connection.actor.userId)
      own?.delete(connection)
      if (own?.size === 0) byUser.delete(connection.actor.userId)
    },
    of: (userId) => byUser.get(userId) ?? nobody,
    ofSession: (sessionId) => [...everyone].filter((c) => c.actor.sessionId === sessionId),
    all: () => everyone,
    users: () => [...byUser.keys()],
    get size() {
      return everyone.size
    },
  }
}

/** A device that has just connected. */
export function newConnection(id: string, actor: Actor, writer: Writer, sendWindow: number): Connection {
  return { id, actor, writer, sends: openSendOrder(sendWindow), typing: new Map(), watched: new Map(), refusals: 0 }
}
