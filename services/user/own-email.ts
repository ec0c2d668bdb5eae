import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import { checkedEmail } from './email.ts'
import { notice, ticketFor } from './letters.ts'
import type { MailLinks } from './mail-link.ts'
import type { OwnPassword } from './own-password.ts'
import { happened } from './security-outbox.ts'
import type { Ticket } from './store/mail.ts'
import type { UserStore } from './store/store.ts'
import type { Throttle } from './throttle.ts'

/** Changes the e-mail address of one's account. */
export interface OwnEmail {
  /**
   * Mails a link to the new address; one asked for before is good no more. Whether the address is another account's is not said:
   * only who reads its mail gets to know. Throws `validation.failed` at `/password` as `OwnPassword`, and at `/email`; `rate.limited`.
   */
  ask(actor: Actor, input: { password: string; email: string }, address: string): Promise<void>
  /**
   * The address is the account's from when it resolves, by the secret of that link, once; the address before is told, and links
   * that were mailed to it are good no more. The same again changes nothing. Throws `email.taken` where another account has the
   * address by now, and `not_found` for any other secret, used, old or made up.
   */
  confirm(token: string, address: string): Promise<void>
}

export function openOwnEmail(needs: {
  store: UserStore
  ownPassword: Pick<OwnPassword, 'check'>
  throttle: Throttle
  links: MailLinks
  /** Called when a letter was stored. */
  written: () => void
  now: () => number
}): OwnEmail {
  const { store, ownPassword, throttle, links, written, now } = needs
  const time = (): string => new Date(now()).toISOString()

  async function wasSpent({ userId, id }: Ticket): Promise<boolean> {
    const found = await store.mail.find(userId, 'email')
    return found?.id === id && found.spent === true
  }

  return {
    async ask(actor, { password, email }, address) {
      const forms = checkedEmail(email)
      const account = await ownPassword.check(actor, password, address, '/password')
      await throttle.mail(forms.emailKey, address)
      const { ticket, letter } = ticketFor(account, 'email', now(), forms)
      if (!(await store.mail.grant(ticket, letter, { passwordHash: account.passwordHash })))
        throw new Fault('auth.invalid', 'The password was changed meanwhile: log in')
      crashPoint('mail.after-commit')
      written()
    },

    async confirm(token, address) {
      await throttle.link(address)
      const named = links.read('email', token)
      const ticket = named && (await store.mail.find(named.userId, 'email'))
      if (!ticket || ticket.id !== named.id || ticket.expiresAt <= time()) throw over()
      if (ticket.spent) return
      const [account] = await store.users.find([ticket.userId])
      if (!account) throw over()
      const outcome = await store.users.setEmail(account.id, {
        email: ticket.email!,
        emailKey: ticket.emailKey!,
        ticket: { id: ticket.id, at: time() },
        notice: notice(account, 'email.changed', now(), ticket.email),
        event: happened(account.id, 'email.changed', now()),
      })
      switch (outcome) {
        case 'changed':
          crashPoint('email.after-commit')
          return written()
        case 'email.taken':
          throw new Fault('email.taken', 'There is another account with that e-mail address')
        case 'over':
          // Two of the same at once: the other one did it.
          if (await wasSpent(ticket)) return
          throw over()
        default:
          return outcome satisfies never
      }
    },
  }
}

const over = (): Fault => new Fault('not_found', 'This link has ended or was used: ask for a new one')
