import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { Control } from './control.ts'
import type { Passwords } from './passwords.ts'
import type { AccountStore } from './store/store.ts'
import type { Throttle } from './throttle.ts'

export interface OwnPassword {
  /**
   * Changes one's own password and ends all one's other sessions, on every node within two seconds of when it resolves (P9).
   * Throws `validation.failed` at `/oldPassword` for a wrong one, which counts as a failed log-in; `rate.limited` as log-in does.
   */
  change(actor: Actor, input: { oldPassword: string; newPassword: string }, address: string): Promise<void>
}

export function openOwnPassword(needs: {
  users: AccountStore
  passwords: Passwords
  throttle: Throttle
  control: Control
}): OwnPassword {
  const { users, passwords, throttle, control } = needs

  return {
    async change(actor, { oldPassword, newPassword }, address) {
      const [account] = await users.find([actor.userId])
      if (!account) throw new Fault('auth.invalid', 'The session is over: log in')
      const attempt = await throttle.signIn(account.emailKey, address)
      const right = await passwords.verify(oldPassword, account.passwordHash).catch(async (error) => {
        await attempt.undecided()
        throw error
      })
      if (!right) throw wrong()
      await attempt.succeeded()
      const after = await passwords.hash(newPassword)
      const change = { before: account.passwordHash, after, keep: actor.sessionId }
      // Refused where it was changed elsewhere meanwhile: then what was given is the old password no more.
      if (!(await control.setPassword(account.id, change))) throw wrong()
    },
  }
}

/** Not `auth.invalid`: the session is as good as before, and a client must not renew it over this. */
function wrong(): Fault {
  const detail = 'is not your password'
  return new Fault('validation.failed', `/oldPassword: ${detail}`, { errors: [{ pointer: '/oldPassword', detail }] })
}
