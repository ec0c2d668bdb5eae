import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { missingMail } from './check/mail.ts'
import { NOBODY_THERE, textsIn } from './digests.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import { once } from './rest.ts'
import type { Scene } from './workload.ts'

/** A mail server that writes down what it has taken, and now and then is busy, or takes a letter and never says so. */
export interface MailServer extends AsyncDisposable {
  readonly url: string
}

/** At the greeting, the recipient, the letter. */
const BUSY = 0.05
const SLOW = 0.1
const SILENT = 0.05
const HANGING = 0.01
const REFUSING = 0.05

export async function openMailServer(recorder: Recorder, { chance, below }: Random): Promise<MailServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onConnect(_session, done) {
      if (chance(HANGING)) return // It never greets.
      done(chance(BUSY) ? refusal(421, '4.3.2 too many connections') : null)
    },
    onRcptTo({ address }, _session, done) {
      if (address === NOBODY_THERE) recorder.note({ type: 'bounced', to: address })
      if (address === NOBODY_THERE) return done(refusal(550, '5.1.1 nobody there'))
      done(chance(BUSY) ? refusal(450, '4.7.1 greylisted') : null)
    },
    async onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of stream) chunks.push(chunk)
      } catch {
        return // The sender is gone, and nothing was taken.
      }
      if (chance(BUSY)) return done(refusal(451, '4.3.0 busy'))
      const parsed = await simpleParser(Buffer.concat(chunks))
      const { messageId: id = randomUUID(), date } = parsed
      // Somebody has logged in: nobody asked for that.
      if (id.startsWith('<security-')) return done()
      const isDigest = id.startsWith('<digest-')
      const refused = isDigest && chance(REFUSING)
      const answered = refused || !chance(SILENT)
      const to = envelope.rcptTo.map(({ address }) => address).join()
      const mail = { to, id, writtenAt: date?.getTime() ?? 0, answered }
      if (isDigest) recorder.note({ type: 'digested', ...mail, texts: textsIn(parsed), ...(refused && { refused }) })
      else recorder.note({ type: 'mailed', ...mail })
      if (chance(SLOW)) await pause(below(1_500))
      if (answered) done(refused ? refusal(554, '5.7.1 this looks like spam') : null)
    },
  })
  server.on('error', () => {}) // What is killed breaks its connections.
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await Promise.race([new Promise<void>((resolve) => server.close(() => resolve())), gone()])
    },
  }
}

const refusal = (responseCode: number, words: string): Error => Object.assign(new Error(words), { responseCode })

/** Connections that are kept for the next letter need not be waited for. */
const gone = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000).unref())

/** A letter takes the place of one for the same account that was asked for before and not told yet: so far apart, each is told. */
const APART_MS = 20_000
const asked = new WeakMap<Scene, Map<string, number>>()

/** Somebody has forgotten their password, and asks for a link, once. */
export async function forgetPassword(scene: Scene): Promise<void> {
  const { url, people, recorder, random } = scene
  const { email: to } = random.pick(people.filter(({ email }) => email !== NOBODY_THERE))
  const times = asked.get(scene) ?? new Map<string, number>()
  asked.set(scene, times)
  const askedAt = Date.now()
  if (askedAt - (times.get(to) ?? Number.NEGATIVE_INFINITY) < APART_MS) return
  times.set(to, askedAt)
  const reply = await once(url, undefined, 'POST', '/api/user/password/forgot', { email: to })
  recorder.note({ type: 'forgot', to, askedAt, status: reply?.status })
}

const ARRIVE_MS = 60_000

/** Waits until the last link that each was promised has arrived, at most a minute. */
export async function mailArrived(recorder: Recorder): Promise<void> {
  const until = Date.now() + ARRIVE_MS
  while (missingMail(recorder.events()).length > 0 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 200))
}
