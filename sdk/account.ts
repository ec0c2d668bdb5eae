import type { Send } from './http.ts'
import type { ParleyClient } from './types.ts'

/** What one does with one's account by mail: `anyone` needs nobody to be signed in, `authorized` sends as who is. */
export function openAccount(
  anyone: Send,
  authorized: Send,
  /** Sends as who is, and signs out where it goes well. */
  lastly: Send,
  /** Forgets everything on this device. */
  forget: () => Promise<void>,
): Pick<ParleyClient, 'askForPassword' | 'resetPassword' | 'changeEmail' | 'confirmEmail' | 'deleteAccount'> {
  const post = async (send: Send, path: string, body: object): Promise<void> =>
    void (await send({ method: 'POST', path: `/api/user/${path}`, body }))
  return {
    askForPassword: (email) => post(anyone, 'password/forgot', { email }),
    resetPassword: (token, newPassword) => post(anyone, 'password/reset', { token, newPassword }),
    changeEmail: (email, password) => post(authorized, 'email', { email, password }),
    async deleteAccount(password, messages) {
      await lastly({ method: 'DELETE', path: '/api/user/me', body: { password, messages } })
      await forget()
    },
    confirmEmail: (token) => post(anyone, 'email/confirm', { token }),
  }
}
