import type { Control } from '@parley/kit/control'
import { Fault, problem } from '@parley/kit/fault'
import type { Http } from '@parley/kit/http'
import type { Log } from '@parley/kit/log'
import type { Actor } from '@parley/kit/token'
import type { ControlEntry } from '@parley/protocol/events'
import type { Limits } from '@parley/protocol/limits'
import { type DefaultEventsMap, type DisconnectReason, Server, type Socket } from 'socket.io'
import { WebSocketServer } from 'ws'
import type { Fanout } from '../fanout/fanout.ts'
import type { Presence } from '../presence/presence.ts'
import type { Typing } from '../presence/typing.ts'
import { Connection, type Connections } from './connections.ts'
import type { Events } from './events.ts'
import { openGate } from './gate.ts'
import { attachTo, MAX_FRAME, SOCKET_PATH } from './handshake.ts'
import { ackOf, type ClientEvent, packetOf } from './packet.ts'
import { forgetHandshake, Wire } from './wire.ts'
import { Writer } from './writer.ts'

/** What a socket is of: the actor once it is admitted, the connection from then on. */
interface Data {
  actor: Actor
  connection: Connection
}
type ChatSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Data>

/** The socket side of the service. Closing it drains: no ack is lost, everyone is told when to come back, the HTTP server goes on. */
export type Sockets = AsyncDisposable

const DRAIN_MS = 5_000
/** A connection that has not signed in within this time is closed. */
const SIGN_IN_MS = 5_000
const EXPIRY_CHECK_MS = 1_000

export function openSockets(deps: {
  http: Http
  origins: readonly string[]
  limits: Limits
  authenticate: (token: string) => Promise<Actor>
  control: Control
  connections: Connections
  events: Events
  fanout: Fanout
  presence: Presence
  typing: Typing
  log: Log
}): Sockets {
  const { http, origins, limits, authenticate, control, connections, events, fanout, presence, typing, log } = deps
  const admission = openGate(limits.handshakesAtOnce)
  let draining = false
  const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Data>({
    path: SOCKET_PATH,
    serveClient: false,
    maxHttpBufferSize: MAX_FRAME(limits),
    // Newer than Engine.IO's own: it keeps no more pongs than a few for a peer that does not read.
    wsEngine: WebSocketServer,
    perMessageDeflate: false,
    httpCompression: false,
    connectTimeout: SIGN_IN_MS,
    // A half-open link is noticed after the sum of these.
    pingInterval: 20_000,
    pingTimeout: 10_000,
  })
  const detach = attachTo(io, http.server, { origins, limits, signedIn: () => connections.size })
  const signedOff = new WeakMap<ChatSocket['conn'], NodeJS.Timeout>()

  io.use((socket, next) => {
    admit(socket).then(
      (actor) => {
        socket.data.actor = actor
        next()
      },
      (error) => {
        const body = problem(error, socket.id)
        if (body.code === 'internal') log.error({ err: error }, 'a handshake failed')
        next(Object.assign(new Error(body.code), { data: body }))
      },
    )
  })

  async function admit(socket: ChatSocket): Promise<Actor> {
    if (draining) throw new Fault('unavailable', 'This node stops: connect again', { retryAfterMs: 1_000 })
    const { token } = Object(socket.handshake.auth) as { token?: unknown }
    if (typeof token !== 'string') throw new Fault('auth.invalid', 'Sign in: give the access token in auth.token')
    const actor = await admission(() => authenticate(token))
    if (connections.of(actor.userId).size >= limits.devicesPerUser)
      throw new Fault('rate.limited', `At most ${limits.devicesPerUser} devices at once`, { retryAfterMs: 30_000 })
    return actor
  }

  io.on('connection', (socket) => {
    const { actor } = socket.data
    forgetHandshake(socket)
    clearTimeout(signedOff.get(socket.conn))
    const wire = new Wire(socket, serve)
    const writer = new Writer(socket, wire, limits.socketBufferBytes)
    const connection = new Connection(socket.id, actor, writer, limits.sendWindow)
    socket.data.connection = connection
    // Before anything is awaited: what a client says at once must find its handler.
    socket.use((packet) => servePlain(connection, packet))
    socket.on('disconnect', left)
    // Registered before the bind is confirmed, so that a revocation finds the socket; `hello` comes after both.
    connections.add(connection)
    welcome(connection).catch((error) => {
      log.warn({ err: error }, 'a socket could not be placed')
      writer.close('server.draining', { reconnectAfterMs: 1_000 + Math.random() * 4_000 })
    })
  })

  function serve({ packet: [name, data], ack }: ClientEvent, socket: ChatSocket): void {
    const { connection } = socket.data
    const { writer } = connection
    events.serve(connection, name, data, ack === undefined ? undefined : (body) => writer.send(ackOf(ack, body)))
  }

  function servePlain(connection: Connection, packet: unknown[]): void {
    const [name, data, last = data] = packet
    const ack = typeof last === 'function' ? (last as (body: object) => void) : undefined
    events.serve(connection, name, data, ack && ((body) => connection.writer.acknowledge(ack, body)))
  }

  async function welcome(connection: Connection): Promise<void> {
    const { actor, writer } = connection
    // What `left` takes back comes first, whatever the check says.
    presence.came(connection)
    await fanout.receive(actor.userId)
    control.check(actor)
    writer.send(
      packetOf('hello', {
        sessionId: actor.sessionId,
        userId: actor.userId,
        serverTime: new Date().toISOString(),
        expiresAt: new Date(actor.expiresAt).toISOString(),
      }),
    )
  }

  function left(this: ChatSocket, reason: DisconnectReason): void {
    const { connection } = this.data
    connections.remove(connection)
    connection.left()
    fanout.release(connection.actor.userId)
    typing.went(connection)
    presence.went(connection)
    if (reason === 'client namespace disconnect') maySignInAnew(this.conn)
  }

  /** Who signs off is as one who has not signed in yet: of those only so many may be here, and not for long. */
  function maySignInAnew(conn: ChatSocket['conn']): void {
    signedOff.set(conn, setTimeout(() => conn.close(true), SIGN_IN_MS).unref())
  }

  const expiry = setInterval(() => {
    if (!control.reachable) return
    const now = Date.now()
    for (const { actor, writer } of connections.all()) if (actor.expiresAt <= now) writer.close('session.expired', {})
  }, EXPIRY_CHECK_MS)

  return {
    async [Symbol.asyncDispose]() {
      draining = true
      clearInterval(expiry)
      const spread = Math.min(10_000, connections.size * 5)
      for (const { writer } of connections.all())
        writer.send(packetOf('server.draining', { reconnectAfterMs: Math.round(100 + Math.random() * spread) }))
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, DRAIN_MS)
      await Promise.race([events.drain(), late])
      clearTimeout(timer)
      for (const { writer } of connections.all()) writer.flush()
      for (const socket of io.sockets.sockets.values()) socket.disconnect(true)
      detach()
    },
  }
}

/** Ends the sockets of a session, or of a user, that is over (P9): told why, then closed. */
export function closeRevoked(connections: Connections, entry: ControlEntry): void {
  const reason = entry.kind === 'session.revoked' ? entry.reason : 'deleted'
  for (const { actor, writer } of [...connections.of(entry.userId)])
    if (entry.kind === 'user.deleted' || actor.sessionId === entry.sessionId)
      writer.close('session.revoked', { reason })
}
