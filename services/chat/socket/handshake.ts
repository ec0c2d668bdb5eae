import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { originAllowed } from '@parley/kit/origin'
import type { Limits } from '@parley/protocol/limits'
import type { Server } from 'socket.io'
import { closeOnBinary, closeWithin, forgetAnswers } from './wire.ts'

export const SOCKET_PATH = '/socket.io'

/** Time for a client that polls to fetch why it is closed. */
const POLLING_CLOSES_MS = 2_000

/** The largest frame that is read; a longer one closes its socket (1009). */
export const MAX_FRAME = (limits: Limits): number => limits.frameBytes

type OnRequest = (req: IncomingMessage, res: ServerResponse) => void
type OnUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Puts Socket.IO on a shared HTTP server. A foreign web origin, or a token in the address (which ends up in logs), is 403 before
 * any socket exists; one connection more than this node holds, or lets sign in at once, is 503 with a time to come back (P8). A
 * binary frame closes its socket. The returned function takes Socket.IO off again and leaves the server as it was.
 */
export function attachTo(
  io: Server,
  server: HttpServer,
  { origins, limits, signedIn }: { origins: readonly string[]; limits: Limits; signedIn: () => number },
): () => void {
  const requests = server.listeners('request') as OnRequest[]
  const upgrades = server.listeners('upgrade') as OnUpgrade[]
  io.attach(server)
  closeOnBinary(io)
  closeWithin(io, POLLING_CLOSES_MS)
  forgetAnswers(io)
  // Engine.IO has taken all requests, and passes on what is not its own.
  const [onRequest] = server.listeners('request') as [OnRequest]
  const onUpgrade = server.listeners('upgrade').at(-1) as OnUpgrade

  function refusal({ url, headers }: IncomingMessage): Refusal | undefined {
    if (!url?.startsWith(`${SOCKET_PATH}/`)) return undefined
    const query = new URL(url, 'http://localhost').searchParams
    if (!originAllowed(headers.origin, headers.host, origins) || hasToken(query)) return FORBIDDEN
    // A request of a session that is there. Of several Engine.IO takes the last, too.
    if (query.getAll('sid').at(-1)) return undefined
    const { clientsCount } = io.engine
    const full = clientsCount >= limits.socketsPerNode || clientsCount - signedIn() >= limits.socketsSigningIn
    return full ? busy() : undefined
  }

  server.removeAllListeners('request').on('request', (req, res) => {
    const refused = refusal(req)
    if (refused) res.writeHead(refused.status, refused.reason, refused.headers).end()
    else onRequest.call(server, req, res)
  })
  server.off('upgrade', onUpgrade).on('upgrade', (req, socket, head) => {
    const refused = refusal(req)
    if (refused) end(socket, refused)
    else onUpgrade.call(server, req, socket, head)
  })

  return () => {
    io.engine.close()
    server.removeAllListeners('request').removeAllListeners('upgrade')
    for (const listener of requests) server.on('request', listener)
    for (const listener of upgrades) server.on('upgrade', listener)
  }
}

interface Refusal {
  status: number
  reason: string
  headers: Record<string, string>
}

const FORBIDDEN: Refusal = { status: 403, reason: 'Forbidden', headers: { Connection: 'close', 'Content-Length': '0' } }

/** Those who are refused come back spread out. */
function busy(): Refusal {
  const seconds = 1 + Math.floor(Math.random() * 5)
  const headers = { ...FORBIDDEN.headers, 'Retry-After': String(seconds) }
  return { status: 503, reason: 'Service Unavailable', headers }
}

/** Does not wait for the other side to end it, which it might never. */
function end(socket: Duplex, { status, reason, headers }: Refusal): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.on('error', () => undefined)
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`, () => socket.destroy())
}

function hasToken(query: URLSearchParams): boolean {
  return ['token', 'access_token', 'auth'].some((name) => query.has(name))
}
