import { write } from './letter.ts'
import type { Mailer } from './mailer.ts'
import type { CapturedStore } from './store/captured.ts'

/** Where mail goes that nobody sends: into the store, where who runs the service can read it. `origin` is where the accounts are. */
export function capturedMailer(captured: CapturedStore, origin: string, now: () => number): Mailer {
  return {
    state: () => 'up',
    async send(letter) {
      const { id, at, mail } = letter
      const { to, username, kind } = mail
      const link = 'link' in mail && { link: mail.link, expiresAt: mail.expiresAt }
      await captured.add({ id, at, to, username, kind, ...link, ...(!link && written(letter, origin)) }, now())
      return { kind: 'taken' }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** What holds no secret is kept as it was written. */
function written(letter: Parameters<typeof write>[0], origin: string): { subject: string; text: string } {
  const { subject, text } = write(letter, origin)
  return { subject, text }
}
