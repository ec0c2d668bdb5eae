import type { MailKind } from '@parley/protocol/mail'

/** What a letter says. `greeting` and `until` are given the name, and the time in UTC. */
export interface LetterTexts {
  greeting: (username: string) => string
  until: (time: string) => string
  /** Why one got it, below the line. */
  footer: (origin: string) => string
  letters: Record<MailKind, { subject: string; text: string; link?: string }>
}

/** One entry for each language that letters are written in. */
export const LETTER_TEXTS = {
  en: {
    greeting: (username) => `Hello ${username},`,
    until: (time) => `The link is good once, until ${time} (UTC).`,
    footer: (origin) => `This mail is about your account at ${origin}.`,
    letters: {
      'password.reset': {
        subject: 'Set a new password',
        text: 'Someone, hopefully you, asked for a new password for this account. If it was not you, leave this mail alone.',
        link: 'Set a new password',
      },
      'email.change': {
        subject: 'Confirm your e-mail address',
        text: 'This address is to become the one of this account. If you did not ask for it, leave this mail alone.',
        link: 'Confirm this address',
      },
      'password.changed': {
        subject: 'Your password was changed',
        text: 'The password of this account was changed. If it was not you, ask for a new one by “Forgot your password?”.',
      },
      'email.changed': {
        subject: 'Your e-mail address was changed',
        text: 'This address is no longer the one of this account.',
      },
    },
  },
} satisfies Record<string, LetterTexts>

export type Locale = keyof typeof LETTER_TEXTS
