import type { LetterTexts } from './texts.ts'

const messages = (count: number, more: boolean): string =>
  count === 1 && !more ? '1 unread message' : `${more ? 'more than ' : ''}${count} unread messages`

/** English. */
export const EN: LetterTexts = {
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
    test: {
      subject: 'A test from Parley',
      text: 'You asked for this mail to see whether mail reaches you. It does.',
    },
    'email.changed': {
      subject: 'Your e-mail address was changed',
      text: 'This address is no longer the one of this account. If it was not you, someone knows your password: log in and change it, then set your address again. If you cannot log in, write to whoever runs this server.',
    },
    'session.started': {
      subject: 'A new device has logged in',
      text: 'A device has logged in to this account. If it was you, there is nothing to do. If not, end its session in the list of your devices and change your password.',
      link: 'See your devices',
    },
    'session.reused': {
      subject: 'A session was ended for your safety',
      text: 'An old key of this session was used, so someone may have a copy of it. The session has been ended on that device. If you did not expect that, change your password and look through your devices.',
      link: 'See your devices',
    },
    digest: { subject: '', text: 'This is what you have not read yet:' },
  },
  session: {
    device: (name) => `Device: ${name}`,
    place: (network) => `Network: ${network}`,
    time: (time) => `Time: ${time} (UTC)`,
    unnamed: 'without a name',
  },
  digest: {
    subject: (count, more) => `You have ${messages(count, more)}`,
    count: messages,
    unnamed: 'A conversation',
    from: (names, others) =>
      `From ${others > 0 ? `${names.join(', ')} and ${others === 1 ? 'one other' : `${others} others`}` : names.join(', ')}`,
    further: (count) =>
      count === undefined
        ? 'There is more in other conversations.'
        : count === 1
          ? 'There is more in one other conversation.'
          : `There is more in ${count} other conversations.`,
    open: 'Open Parley',
    unsubscribe: 'No more mails of this kind',
    why: 'You get it since messages have waited unread for a while.',
  },
  page: {
    title: 'Mail about unread messages',
    ask: 'Do you want no more mail about unread messages? Mail about the safety of your account still comes.',
    button: 'No more of these mails',
    done: 'You get no more mail about unread messages.',
    again: 'You can turn it on again in the settings of notifications.',
  },
}
