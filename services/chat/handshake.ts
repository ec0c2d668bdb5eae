import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { originAllowed } from '@parley/kit/origin'
import type { Limits } from '@parley/protocol/limits'
import type { Server } from 'socket.io'
import { closeOnBinary, forgetAnswers } from './wire.ts'

export const SOCKET_PATH = '/socket.io'

/** The largest frame that is read; a longer one closes its socket (1009). */
export const MAX_FRAME = (limits: Limits): number => limits.frameBytes

/**
 * Puts Socket.IO on a shared HTTP server. A foreign web origin, or a token in the address (which ends up in logs), is 403 before
 * any socket exists; a binary frame closes its socket. The returned function takes Socket.IO off again and leaves the server as it was.
 */
export function attachTo(io: Server, server: HttpServer, origins: readonly string[]): () => void {
  const allowed = (req: IncomingMessage): boolean =>
    originAllowed(req.headers.origin, req.headers.host, origins) && !hasToken(req.url ?? '')
  const requests = server.listeners('request') as ((...args: unknown[]) => void)[]
  const upgrades = server.listeners('upgrade') as ((...args: unknown[]) => void)[]

  const guard = (req: IncomingMessage, socket: Duplex): void => {
    if (!req.url?.startsWith(`${SOCKET_PATH}/`) || allowed(req)) return
    // engine.io would say 400 to an upgrade it may not take. It still sees this one, and finds the socket ended.
    socket.on('error', () => undefined)
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  }
  server.on('upgrade', guard)
  io.attach(server, { allowRequest: (req, decide) => decide(null, allowed(req)) })
  closeOnBinary(io)
  forgetAnswers(io)

  return () => {
    io.engine.close()
    server.removeAllListeners('request').removeAllListeners('upgrade')
    for (const listener of requests) server.on('request', listener)
    for (const listener of upgrades) server.on('upgrade', listener)
  }
}

function hasToken(url: string): boolean {
  const query = new URL(url, 'http://localhost').searchParams
  return ['token', 'access_token', 'auth'].some((name) => query.has(name))
}
