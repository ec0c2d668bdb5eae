import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Control } from './control.ts'
import { foldEmail } from './email.ts'
import { notice, ticketFor } from './letters.ts'
import type { MailLinks } from './mail-link.ts'
import type { Passwords } from './passwords.ts'
import { happened } from './security-outbox.ts'
import type { Ticket } from './store/mail.ts'
import type { Account, UserStore } from './store/store.ts'
import type { Throttle } from './throttle.ts'

/** For who can read their mail, but not remember their password. */
export interface ForgottenPassword {
  /**
   * Mails a link to whom that address belongs; one asked for before is good no more. Resolves when that survives a crash, and
   * alike, after the same work, where it belongs to nobody. Throws `rate.limited`.
   */
  ask(email: string, address: string): Promise<void>
  /**
   * Sets a new password by the secret of such a link, once, and ends all sessions, on every node within two seconds of when it
   * resolves (P9). The same again changes nothing. Throws `not_found` for any other secret, used, old or made up.
   */
  reset(input: { token: string; newPassword: string }, address: string): Promise<void>
}

export function openForgottenPassword(needs: {
  store: UserStore
  passwords: Passwords
  throttle: Throttle
  control: Control
  links: MailLinks
  /** Called when a letter was stored. */
  written: () => void
  now: () => number
}): ForgottenPassword {
  const { store, passwords, throttle, control, links, written, now } = needs
  const time = (): string => new Date(now()).toISOString()

  /** The ticket of a secret, spent or not, and whose it is. */
  async function ticketOf(token: string): Promise<{ account: Account; ticket: Ticket }> {
    const named = links.read('password', token)
    const ticket = named && (await store.mail.find(named.userId, 'password'))
    if (!ticket || ticket.id !== named.id || ticket.expiresAt <= time()) throw over()
    const [account] = await store.users.find([ticket.userId])
    if (!account) throw over()
    return { account, ticket }
  }

  /** Whether it is a repeat of what was done: then all that it does is done, too. Guessing at the password this way counts as logging in. */
  async function repeated({ account, newPassword }: { account: Account; newPassword: string }, address: string) {
    const attempt = await throttle.signIn(account.emailKey, address)
    const same = await passwords.verify(newPassword, account.passwordHash).catch(async (error) => {
      await attempt.undecided()
      throw error
    })
    if (!same) throw over()
    await attempt.succeeded()
    await store.users.settle(account.id)
  }

  return {
    async ask(email, address) {
      // What is no address can belong to no account, and goes the same way as one that does not.
      const emailKey = foldEmail(email) ?? email
      await throttle.mail(emailKey, address)
      const account = await store.users.findByEmail(emailKey)
      const made = account && ticketFor(account, 'password', now())
      // Where there is nothing to write, something else is, which takes as long.
      if (!made || !(await store.mail.grant(made.ticket, made.letter, { emailKey }))) return store.check()
      crashPoint('mail.after-commit')
      written()
    },

    async reset({ token, newPassword }, address) {
      await throttle.link(address)
      const { account, ticket } = await ticketOf(token)
      if (ticket.spent) return repeated({ account, newPassword }, address)
      const done = await control.setPassword(account.id, {
        before: account.passwordHash,
        after: await passwords.hash(newPassword),
        ticket: { id: ticket.id, at: time() },
        notice: notice(account, 'password.changed', now(), account.email),
        event: happened(account.id, 'password.changed', now(), { byLink: true }),
      })
      if (!done) return repeated({ account: (await ticketOf(token)).account, newPassword }, address)
      crashPoint('reset.after-commit')
      written()
    },
  }
}

const over = (): Fault => new Fault('not_found', 'This link has ended or was used: ask for a new one')
