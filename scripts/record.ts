// Preloaded into each process of a test run (`--import`), and into nothing else: writes down what its HTTP servers answered and what its
// socket clients heard, for `contract.ts` to hold against the documents. The folder is in this file's own query: `record.ts?folder=…`.
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Manager } from 'socket.io-client'
import type { Exchange } from './exchange.ts'

const folder = new URL(import.meta.url).searchParams.get('folder')!
const file = join(folder, `${process.pid}.jsonl`)
const seenBy = process.argv[1] ?? ''

/** Of exchanges of one shape so many are written: a flood of the same would say no more, and take long to hold against anything. */
const ALIKE = 4
const seen = new Map<string, number>()

function note(kind: string, values: unknown[], exchange: () => Record<string, unknown>): void {
  const shape = `${kind} ${values.map((value) => shapeOf(value)).join(' ')}`
  const count = seen.get(shape) ?? 0
  if (count >= ALIKE) return
  seen.set(shape, count + 1)
  // At once: a process of a whole-system test is killed, and has no end of its own.
  appendFileSync(file, `${JSON.stringify({ ...exchange(), seenBy } as unknown as Exchange)}\n`)
}

/** The names and the kinds of values in it; of what tells one case from another the value itself. */
function shapeOf(value: unknown, name?: string, depth = 0): string {
  if (depth > 20) return '…'
  if (Array.isArray(value))
    return `[${[...new Set(value.slice(0, 8).map((each) => shapeOf(each, undefined, depth + 1)))].sort()}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, each]) => `${key}:${shapeOf(each, key, depth + 1)}`)
      .sort()}}`
  return name !== undefined && TELLING.has(name) ? String(value) : value === null ? 'null' : typeof value
}

const TELLING = new Set(['kind', 'code', 'status', 'ok', 'reason', 'gone', 'role'])

/** What Express adds to a request. */
type Asked = IncomingMessage & { originalUrl?: string; route?: { path?: unknown }; body?: unknown }

const OURS = /^\/(?:api|dev|\.well-known|healthz|readyz|openapi\.json|asyncapi\.json|docs)(?:[/?]|$)/

/** The route by which the web client's page answers what nothing else does. */
const PAGES = '/{*path}'

subscribe('http.server.request.start', (message) => {
  const { request, response } = message as { request: Asked; response: ServerResponse }
  const url = request.url ?? ''
  if (!OURS.test(url)) return
  const parts: Buffer[] = []
  for (const name of ['write', 'end'] as const) {
    const original = response[name] as (...args: unknown[]) => unknown
    Object.defineProperty(response, name, {
      value: (...args: unknown[]) => {
        const [part, encoding] = args
        if (typeof part === 'string')
          parts.push(Buffer.from(part, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'))
        else if (part instanceof Uint8Array) parts.push(Buffer.from(part))
        return original.apply(response, args)
      },
    })
  }
  response.on('finish', () => {
    const { method = '', route, headers } = request
    // The answers of a test's own stand-in, Node's own to what is no HTTP, and pages of the web client are none of the interface.
    if (!response.hasHeader('x-request-id') || route?.path === PAGES) return
    const reply = Buffer.concat(parts).toString()
    const contentType = String(response.getHeader('content-type') ?? '')
    const status = response.statusCode
    // What was refused is not held against anything, and may nest as deep as nobody can write.
    const body = status < 400 ? request.body : undefined
    const path = url.split('?')[0]!.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, ':id')
    const values = [body, /json/.test(contentType) ? parsed(reply) : contentType]
    note(`${method} ${path} ${status}`, values, () => ({
      via: 'http',
      method,
      url,
      route: typeof route?.path === 'string' ? route.path : undefined,
      key: headers['idempotency-key'],
      body,
      status,
      contentType,
      reply,
    }))
  })
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A packet of Socket.IO: of these, events (2) and acks (3) are what the interface is made of. */
interface Packet {
  type: number
  id?: number
  data?: unknown[]
}
interface Inside {
  _packet(packet: Packet): void
  ondecoded(packet: Packet): void
}

/** The connections that a chat service has welcomed: some tests speak Socket.IO with a server of their own. */
const welcomed = new WeakSet<object>()
/** What was asked and not acknowledged yet, of each connection. */
const asked = new WeakMap<object, Map<number, unknown[]>>()
const inside = Manager.prototype as unknown as Inside
const { _packet: send, ondecoded: hear } = inside

inside._packet = function (packet) {
  if (packet.type === 2 && packet.id !== undefined) {
    const open = asked.get(this) ?? new Map<number, unknown[]>()
    // As it is now: a test may go on to change it.
    open.set(packet.id, structuredClone(packet.data ?? []))
    asked.set(this, open)
  }
  send.call(this, packet)
}

inside.ondecoded = function (packet) {
  const { type, id, data = [] } = packet
  if (type === 2 && data[0] === 'hello') welcomed.add(this)
  if (type === 2 && welcomed.has(this))
    note(`told ${data[0]}`, [data[1]], () => ({ via: 'event', event: data[0], data: data[1] }))
  const question = type === 3 && id !== undefined ? asked.get(this)?.get(id) : undefined
  if (question && welcomed.has(this)) {
    asked.get(this)!.delete(id!)
    const [event, sent] = question
    note(`ack ${event}`, [sent, data[0]], () => ({ via: 'ack', event, data: sent, ack: data[0] }))
  }
  hear.call(this, packet)
}
