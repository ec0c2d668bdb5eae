import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

/** How a WebSocket frame differs from a proper one. */
export interface Odd {
  /** 1 text, 2 binary, 8 close, 9 ping; 1 unless given. */
  opcode?: number
  /** The three reserved bits. */
  rsv?: number
  /** Whether it is the last of its message. */
  fin?: boolean
  masked?: boolean
  /** The length it claims to have. */
  claims?: bigint
}

/** A client's WebSocket frame (RFC 6455, 5.2). */
export function frame(payload: string | Buffer, { opcode = 1, rsv = 0, fin = true, masked = true, claims }: Odd = {}) {
  const body = Buffer.from(payload)
  const length = claims ?? BigInt(body.length)
  const mask = masked ? 0x80 : 0
  const small = length < 126n
  const size = Buffer.alloc(small ? 1 : 9, mask | (small ? Number(length) : 127))
  if (!small) size.writeBigUInt64BE(length, 1)
  const key = masked ? randomBytes(4) : Buffer.alloc(0)
  const sent = masked ? body.map((byte, i) => byte ^ key[i % 4]!) : body
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]), size, key, sent])
}

/** A WebSocket of bytes. */
export interface RawSocket extends Disposable {
  write(bytes: string | Buffer): void
  /** The next text that begins with `prefix`; rejects after 5 s, or when the connection ends. */
  text(prefix: string): Promise<string>
  /** Resolves when the server has closed it, with the close code if one was said; rejects after 5 s. Its close is not answered. */
  ended(): Promise<number | undefined>
}

const DEADLINE_MS = 5_000

/** Connects to the socket of a Parley as a bare WebSocket; rejects with the status if that is refused. */
export async function rawSocket(url: string, headers: readonly string[] = [], query = ''): Promise<RawSocket> {
  const { host, hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const texts: string[] = []
  let bytes = Buffer.alloc(0)
  let over = false
  let code: number | undefined
  let changed = Promise.withResolvers<void>()
  const tell = (): void => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('error', () => undefined)
  socket.on('close', () => {
    over = true
    tell()
  })
  await once(socket, 'connect')
  socket.write(
    [
      `GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...headers,
      '\r\n',
    ].join('\r\n'),
  )

  async function waitFor<T>(what: string, found: () => T | undefined): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error(`no ${what}; told: ${texts.join(' ').slice(0, 300)}`)),
      DEADLINE_MS,
    )
    try {
      for (;;) {
        const value = found()
        if (value !== undefined) return value
        if (over) throw new Error(`the connection ended (${code}) without ${what}`)
        await Promise.race([changed.promise, late.promise])
      }
    } finally {
      clearTimeout(timer)
    }
  }

  let answer: string | undefined
  socket.on('data', (data: Buffer) => {
    bytes = Buffer.concat([bytes, data])
    const end = bytes.indexOf('\r\n\r\n')
    if (answer === undefined && end >= 0) {
      answer = bytes.subarray(0, end).toString('latin1')
      bytes = bytes.subarray(end + 4)
    }
    if (answer?.includes(' 101 ')) readFrames()
    tell()
  })

  function readFrames(): void {
    while (bytes.length >= 2) {
      const short = bytes[1]! & 0x7f
      const start = short === 126 ? 4 : short === 127 ? 10 : 2
      if (bytes.length < start) return
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
      if (bytes.length < start + length) return
      const body = bytes.subarray(start, start + length)
      const opcode = bytes[0]! & 0x0f
      if (opcode === 1) texts.push(body.toString())
      if (opcode === 8) {
        over = true
        if (body.length >= 2) code = body.readUInt16BE(0)
      }
      bytes = bytes.subarray(start + length)
    }
  }

  const raw: RawSocket = {
    write: (data) => void (over || socket.write(typeof data === 'string' ? frame(data) : data)),
    text: (prefix) =>
      waitFor(`text ${prefix}`, () => {
        const index = texts.findIndex((text) => text.startsWith(prefix))
        return index < 0 ? undefined : texts.splice(index, 1)[0]!
      }),
    ended: async () => {
      await waitFor('end', () => over || undefined)
      return code
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
  const said = await waitFor('answer to the upgrade', () => answer)
  if (said.includes(' 101 ')) return raw
  socket.destroy()
  throw new Error(said.split('\r\n')[0])
}

/** A raw socket that has signed in and was placed. */
export async function rawDevice(url: string, token: string): Promise<RawSocket> {
  const raw = await rawSocket(url)
  await raw.text('0')
  raw.write(`40${JSON.stringify({ token })}`)
  await raw.text('42["hello"')
  return raw
}
