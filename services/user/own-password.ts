import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { Control } from './control.ts'
import { notice } from './letters.ts'
import type { Passwords } from './passwords.ts'
import { happened } from './security-outbox.ts'
import type { Account, AccountStore } from './store/store.ts'
import type { Throttle } from './throttle.ts'

export interface OwnPassword {
  /**
   * The account of who asks, once they have proved it by their password. Throws `validation.failed` at `pointer` for a wrong one,
   * which counts as a failed log-in; `rate.limited` as log-in does.
   */
  check(actor: Actor, password: string, address: string, pointer: string): Promise<Account>
  /**
   * Changes one's own password and ends all one's other sessions, on every node within two seconds of when it resolves (P9). One
   * is told by mail. Throws as `check`, at `/oldPassword`.
   */
  change(actor: Actor, input: { oldPassword: string; newPassword: string }, address: string): Promise<void>
}

export function openOwnPassword(needs: {
  users: AccountStore
  passwords: Passwords
  throttle: Throttle
  control: Control
  /** Called when a letter was stored. */
  written: () => void
  now: () => number
}): OwnPassword {
  const { users, passwords, throttle, control, written, now } = needs

  async function check(actor: Actor, password: string, address: string, pointer: string): Promise<Account> {
    const [account] = await users.find([actor.userId])
    if (!account) throw new Fault('auth.invalid', 'The session is over: log in')
    const attempt = await throttle.signIn(account.emailKey, address)
    const right = await passwords.verify(password, account.passwordHash).catch(async (error) => {
      await attempt.undecided()
      throw error
    })
    if (!right) throw wrong(pointer)
    await attempt.succeeded()
    return account
  }

  return {
    check,
    async change(actor, { oldPassword, newPassword }, address) {
      const account = await check(actor, oldPassword, address, '/oldPassword')
      const after = await passwords.hash(newPassword)
      const change = {
        before: account.passwordHash,
        after,
        keep: actor.sessionId,
        notice: notice(account, 'password.changed', now()),
        event: happened(account.id, 'password.changed', now()),
      }
      // Refused where it was changed elsewhere meanwhile: then what was given is the old password no more.
      if (!(await control.setPassword(account.id, change))) throw wrong('/oldPassword')
      written()
    },
  }
}

/** Not `auth.invalid`: the session is as good as before, and a client must not renew it over this. */
function wrong(pointer: string): Fault {
  const detail = 'is not your password'
  return new Fault('validation.failed', `${pointer}: ${detail}`, { errors: [{ pointer, detail }] })
}
