import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { missingMail } from './check/mail.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import { once } from './rest.ts'
import type { Scene } from './workload.ts'

/** A mail server that writes down what it has taken, and now and then is busy, or takes a letter and never says so. */
export interface MailServer extends AsyncDisposable {
  readonly url: string
}

const BUSY = 0.1
const SILENT = 0.05

export async function openMailServer(recorder: Recorder, { chance }: Random): Promise<MailServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    async onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of stream) chunks.push(chunk)
      } catch {
        return // The sender is gone, and nothing was taken.
      }
      if (chance(BUSY)) return done(Object.assign(new Error('4.3.0 busy'), { responseCode: 451 }))
      const { messageId: id = randomUUID(), date } = await simpleParser(Buffer.concat(chunks))
      // What nobody asked for: somebody has logged in, or has not read what was said.
      if (/^<(security|digest)-/.test(id)) return done()
      const answered = !chance(SILENT)
      const to = envelope.rcptTo.map(({ address }) => address).join()
      recorder.note({ type: 'mailed', to, id, writtenAt: date?.getTime() ?? 0, answered })
      if (answered) done()
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

/** Connections that are kept for the next letter need not be waited for. */
const gone = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000).unref())

/** A letter takes the place of one for the same account that was asked for before and not told yet: so far apart, each is told. */
const APART_MS = 20_000
const asked = new WeakMap<Scene, Map<string, number>>()

/** Somebody has forgotten their password, and asks for a link, once. */
export async function forgetPassword(scene: Scene): Promise<void> {
  const { url, people, recorder, random } = scene
  const { email: to } = random.pick(people)
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
