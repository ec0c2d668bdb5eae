import type { Mailer } from './mailer.ts'
import type { CapturedStore } from './store/captured.ts'

/** Where mail goes that nobody sends: into the store, where who runs the service can read it. */
export function capturedMailer(captured: CapturedStore, now: () => number): Mailer {
  return {
    state: () => 'up',
    async send({ id, at, mail }) {
      const { to, username, kind } = mail
      const link = 'link' in mail && { link: mail.link, expiresAt: mail.expiresAt }
      await captured.add({ id, at, to, username, kind, ...link }, now())
      return { kind: 'taken' }
    },
    async [Symbol.asyncDispose]() {},
  }
}
