import type { Actor } from '@parley/kit/token'
import { openSendOrder, type SendOrder } from './send-order.ts'
import type { Writer } from './writer.ts'

/** One connected device. Most are quiet: what only some need is made when they first do. */
export class Connection {
  readonly id: string
  /** Renewed by `session.refresh`; the user and the session stay the same. */
  actor: Actor
  readonly writer: Writer
  /** Users whom this device watches, each with a conversation that both are in. */
  watched: ReadonlyMap<string, string> = nothing
  /** Events refused since the last one that was not. */
  refusals = 0
  readonly #sendWindow: number
  #sends: SendOrder | undefined
  #typing: Map<string, number> | undefined

  /** A device that has just connected, and may have so many sends under way at once. */
  constructor(id: string, actor: Actor, writer: Writer, sendWindow: number) {
    this.id = id
    this.actor = actor
    this.writer = writer
    this.#sendWindow = sendWindow
  }

  get sends(): SendOrder {
    this.#sends ??= openSendOrder(this.#sendWindow)
    return this.#sends
  }

  /** It hears no more answers. */
  left(): void {
    this.#sends?.unheard()
  }

  /** Conversations that this device is typing in, and since when it was last told of. */
  get typing(): Map<string, number> {
    this.#typing ??= new Map()
    return this.#typing
  }
}

const nothing: ReadonlyMap<string, string> = new Map()

/** The devices connected to this node, by user. */
export interface Connections {
  add(connection: Connection): void
  remove(connection: Connection): void
  of(userId: string): ReadonlySet<Connection>
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
    all: () => everyone,
    users: () => [...byUser.keys()],
    get size() {
      return everyone.size
    },
  }
}
