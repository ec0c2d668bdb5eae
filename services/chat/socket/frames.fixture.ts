import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'

/** A WebSocket on a bare TCP connection, which sends whatever bytes a test wants. Destroyed at the end of its block. */
export interface BareSocket extends Disposable {
  /** Writes all of it at once. */
  write(...parts: Buffer[]): void
  /** Takes the first text that begins with `prefix`; rejects after 5 s. */
  text(prefix: string): Promise<string>
  /** The texts that came and were not taken. */
  texts(): readonly string[]
  /** How many pongs came. */
  pongs(): number
  /** Resolves when the server has read all that was written, or has ended it. Rejects after 5 s. */
  caughtUp(): Promise<void>
  /** Resolves when the server ends it: with the close frame's code, 0 without one. Rejects after 5 s. */
  closed(): Promise<number>
  /** Reads no more. */
  pause(): void
}

export const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10]

/** A frame (RFC 6455, 5.2), by default a right one of a client. `claims` is the length that it says it has. */
export function frame(
  payload: string | Buffer,
  { opcode = TEXT, final = true, reserved = 0, masked = true, claims }: Partial<FrameOptions> = {},
): Buffer {
  const body = Buffer.from(payload)
  const length = claims ?? BigInt(body.length)
  const header = Buffer.alloc(length < 126n ? 2 : length < 65_536n ? 4 : 10)
  header[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode
  if (header.length === 10) header.writeBigUInt64BE(length, 2)
  if (header.length === 4) header.writeUInt16BE(Number(length), 2)
  header[1] = (masked ? 0x80 : 0) | (header.length === 2 ? Number(length) : header.length === 4 ? 126 : 127)
  if (!masked) return Buffer.concat([header, body])
  const mask = randomBytes(4)
  return Buffer.concat([header, mask, body.map((byte, index) => byte ^ mask[index % 4]!)])
}

interface FrameOptions {
  opcode: number
  final: boolean
  /** The three reserved bits, RSV1 being 4. */
  reserved: number
  masked: boolean
  claims: bigint
}

/** Opens a WebSocket; with `sid` one that an Engine.IO session by polling may upgrade to. */
export async function bareSocket(url: string, sid?: string): Promise<BareSocket> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const news = new EventEmitter()
  const texts: string[] = []
  let pongs = 0
  let code: number | undefined
  let unread = Buffer.alloc(0)
  let open = false

  socket.on('error', () => undefined)
  socket.on('close', () => {
    code ??= 0
    news.emit('news')
  })
  socket.on('data', (data) => {
    unread = unread.length === 0 ? data : Buffer.concat([unread, data])
    if (!open) {
      const end = unread.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!unread.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return void socket.destroy()
      open = true
      unread = unread.subarray(end + 4)
    }
    for (let one = firstFrame(unread); one; one = firstFrame(unread)) {
      unread = unread.subarray(one.size)
      if (one.opcode === TEXT) texts.push(one.payload.toString())
      if (one.opcode === PONG) pongs++
      if (one.opcode === CLOSE) code ??= one.payload.length < 2 ? 0 : one.payload.readUInt16BE()
    }
    news.emit('news')
  })

  async function until<T>(what: string, found: () => T | undefined): Promise<T> {
    const signal = AbortSignal.timeout(5_000)
    for (;;) {
      const one = found()
      if (one !== undefined) return one
      await once(news, 'news', { signal }).catch(() => {
        throw new Error(`${what}; there was ${texts.join(' ').slice(0, 500)}, code ${code}`)
      })
    }
  }

  const key = randomBytes(16).toString('base64')
  const path = `/socket.io/?EIO=4&transport=websocket${sid ? `&sid=${sid}` : ''}`
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await until('no WebSocket was opened', () => (open || code === undefined ? open || undefined : undefined))

  return {
    write: (...parts) => void socket.write(Buffer.concat(parts)),
    text: (prefix) =>
      until(`no text ${prefix}`, () => {
        const index = texts.findIndex((text) => text.startsWith(prefix))
        return index < 0 ? undefined : texts.splice(index, 1)[0]
      }),
    texts: () => texts,
    pongs: () => pongs,
    async caughtUp() {
      const before = pongs
      socket.write(frame('', { opcode: PING }))
      await until('no pong', () => (pongs > before || code !== undefined ? true : undefined))
    },
    closed: () => until('it was not closed', () => code),
    pause: () => void socket.pause(),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** A bare socket that has signed in and was placed. */
export async function bareDevice(url: string, token: string): Promise<BareSocket> {
  const bare = await bareSocket(url)
  await bare.text('0')
  bare.write(frame(signIn(token)))
  await bare.text('42["hello"')
  return bare
}

export const signIn = (token: string): string => `40${JSON.stringify({ token })}`

/** What a server sends: never masked. */
function firstFrame(data: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (data.length < 2) return undefined
  const short = data[1]! & 0x7f
  const start = short === 127 ? 10 : short === 126 ? 4 : 2
  if (data.length < start) return undefined
  const length = short === 127 ? Number(data.readBigUInt64BE(2)) : short === 126 ? data.readUInt16BE(2) : short
  if (data.length < start + length) return undefined
  return { opcode: data[0]! & 0x0f, payload: data.subarray(start, start + length), size: start + length }
}

/** A device that polls, and only when it is told to; it has signed in and was placed. */
export async function pollingDevice(url: string, token: string) {
  const polling = `${url}/socket.io/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(polling)).text()).slice(1))
  const session = `${polling}&sid=${sid}`
  const device = {
    /** Gives the status. */
    post: async (body: string): Promise<number> => (await fetch(session, { method: 'POST', body })).status,
    poll: async (): Promise<string> => (await fetch(session)).text(),
  }
  await device.post(signIn(token))
  while (!(await device.poll()).includes('"hello"'));
  return device
}
