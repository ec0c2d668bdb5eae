import { EventEmitter, once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

/** A mail that a server has taken. */
export interface Received {
  /** The envelope: what the server was told to do. */
  from: string
  to: string[]
  raw: string
  parsed: ParsedMail
  messageId: string
}

/** What a server does with the next letters. */
export interface Behaviour {
  /** Asked for each recipient: a refusal such as `550 5.1.1 nobody`, or nothing. */
  recipient?: (address: string) => string | undefined | Promise<string | undefined>
  /** Asked for each letter, when all of it has come: a refusal, `drop` (taken, and the connection cut before the answer), `hang` (taken, and never answered), or nothing. */
  letter?: (mail: Received) => string | 'drop' | 'hang' | undefined
  /** Asked for each connection: a refusal, `hang` (no greeting), or nothing. */
  connection?: () => string | 'hang' | undefined
  /** Before each answer to a letter. */
  waitMs?: number | (() => number)
  /** Called when the answer to a letter has left. */
  answered?: (mail: Received) => void
  /** User and password; none is asked for without. */
  login?: { user: string; pass: string }
  /** With a certificate that nobody vouches for; none without. */
  tls?: 'starttls' | 'at once'
}

/** A real SMTP server whose mail is read by a parser that knows nothing of who wrote it. */
export type MailServer = Awaited<ReturnType<typeof mailServer>>

/** On a free port unless one is given. */
export async function mailServer(t: { after(end: () => Promise<void>): void }, behaviour: Behaviour = {}, wanted = 0) {
  const news = new EventEmitter()
  const received: Received[] = []
  let sessions = 0
  const passwords: string[] = []
  let server = make()
  const port = await listen(wanted)
  t.after(() => close())

  function make(): SMTPServer {
    const made: SMTPServer = new SMTPServer({
      authOptional: behaviour.login === undefined,
      ...(behaviour.tls === undefined && { disabledCommands: ['STARTTLS'] }),
      secure: behaviour.tls === 'at once',
      allowInsecureAuth: true,
      logger: false,
      onConnect(_session, done) {
        sessions++
        const refusal = behaviour.connection?.()
        if (refusal !== 'hang') done(refusal === undefined ? null : fault(refusal))
      },
      onAuth({ username, password }, _session, done) {
        passwords.push(password ?? '')
        const good = username === behaviour.login?.user && password === behaviour.login?.pass
        done(good ? null : fault('535 5.7.8 bad credentials'), good ? { user: username } : undefined)
      },
      async onRcptTo({ address }, _session, done) {
        const refusal = await behaviour.recipient?.(address)
        done(refusal === undefined ? null : fault(refusal))
      },
      async onData(stream, session, done) {
        // Of what breaks off in the middle nothing was taken.
        const raw = await bytesOf(stream).catch(() => undefined)
        if (!raw) return
        const mail = await read(raw, session)
        const verdict = behaviour.letter?.(mail)
        const refused = verdict !== undefined && verdict !== 'drop' && verdict !== 'hang'
        if (!refused) received.push(mail)
        news.emit('mail')
        const { waitMs = 0 } = behaviour
        const wait = typeof waitMs === 'number' ? waitMs : waitMs()
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
        if (verdict === 'drop') return cut(made, session)
        if (verdict === 'hang') return
        done(refused ? fault(verdict) : null)
        setImmediate(() => behaviour.answered?.(mail))
      },
    })
    made.on('error', () => {}) // What clients break off is theirs.
    return made
  }

  function listen(on: number): Promise<number> {
    return new Promise((resolve) => {
      server.listen(on, '127.0.0.1', () => resolve((server.server.address() as AddressInfo).port))
    })
  }

  async function close(): Promise<void> {
    for (const socket of socketsOf(server)) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  return {
    behaviour,
    received,
    port,
    url: `smtp://127.0.0.1:${port}`,
    /** Connections that were opened, so far. */
    sessions: () => sessions,
    /** Passwords that it was told. */
    passwords,
    /** When so many have been taken; gives all of them. */
    async mails(count: number): Promise<Received[]> {
      const signal = AbortSignal.timeout(20_000)
      while (received.length < count) await once(news, 'mail', { signal })
      return received
    },
    /** Nobody is there any more, until `up`. */
    down: close,
    async up(): Promise<void> {
      server = make()
      await listen(port)
    },
  }
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function read(raw: Buffer, { envelope }: SMTPServerSession): Promise<Received> {
  const parsed = await simpleParser(raw)
  return {
    from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
    to: envelope.rcptTo.map(({ address }) => address),
    raw: raw.toString('utf8'),
    parsed,
    messageId: parsed.messageId ?? '',
  }
}

function fault(answer: string): Error {
  const [, code, text] = /^(\d{3}) (.*)$/.exec(answer) ?? []
  return Object.assign(new Error(text), { responseCode: Number(code) })
}

type Inside = { connections: Set<{ id: string; _socket: Socket }> }

const socketsOf = (server: SMTPServer): Socket[] =>
  [...(server as unknown as Inside).connections].map(({ _socket }) => _socket)

function cut(server: SMTPServer, { id }: SMTPServerSession): void {
  for (const connection of (server as unknown as Inside).connections)
    if (connection.id === id) connection._socket.destroy()
}
