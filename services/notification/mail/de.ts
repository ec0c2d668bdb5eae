import type { LetterTexts } from './texts.ts'

const messages = (count: number, more: boolean): string =>
  count === 1 && !more ? '1 ungelesene Nachricht' : `${more ? 'mehr als ' : ''}${count} ungelesene Nachrichten`

/** German. */
export const DE: LetterTexts = {
  greeting: (username) => `Hallo ${username},`,
  until: (time) => `Der Link gilt einmal, bis ${time} (UTC).`,
  footer: (origin) => `Diese Mail betrifft dein Konto bei ${origin}.`,
  letters: {
    'password.reset': {
      subject: 'Neues Passwort setzen',
      text: 'Jemand, hoffentlich du, hat für dieses Konto ein neues Passwort angefordert. Wenn du es nicht warst, ist nichts zu tun.',
      link: 'Neues Passwort setzen',
    },
    'email.change': {
      subject: 'E-Mail-Adresse bestätigen',
      text: 'Diese Adresse soll die Adresse dieses Kontos werden. Wenn du das nicht wolltest, ist nichts zu tun.',
      link: 'Diese Adresse bestätigen',
    },
    'password.changed': {
      subject: 'Dein Passwort wurde geändert',
      text: 'Das Passwort dieses Kontos wurde geändert. Wenn du es nicht warst, fordere mit „Forgot your password?“ ein neues an.',
    },
    test: {
      subject: 'Ein Test von Parley',
      text: 'Du hast diese Mail angefordert, um zu sehen, ob dich Mail erreicht. Sie tut es.',
    },
    'email.changed': {
      subject: 'Deine E-Mail-Adresse wurde geändert',
      text: 'Diese Adresse ist nicht mehr die dieses Kontos. Wenn du es nicht warst, kennt jemand dein Passwort: Melde dich an und ändere es, dann trage deine Adresse wieder ein. Wenn du dich nicht anmelden kannst, schreibe dem Betreiber dieses Servers.',
    },
    'session.started': {
      subject: 'Ein neues Gerät hat sich angemeldet',
      text: 'Ein Gerät hat sich bei diesem Konto angemeldet. Wenn du es warst, ist nichts zu tun. Wenn nicht, beende die Sitzung in der Liste deiner Geräte und ändere dein Passwort.',
      link: 'Deine Geräte ansehen',
    },
    'session.reused': {
      subject: 'Eine Sitzung wurde zu deiner Sicherheit beendet',
      text: 'Ein alter Schlüssel dieser Sitzung wurde benutzt; vielleicht hat jemand eine Kopie davon. Die Sitzung wurde auf diesem Gerät beendet. Wenn du damit nicht gerechnet hast, ändere dein Passwort und sieh deine Geräte durch.',
      link: 'Deine Geräte ansehen',
    },
    digest: { subject: '', text: 'Das hast du noch nicht gelesen:' },
  },
  session: {
    device: (name) => `Gerät: ${name}`,
    place: (network) => `Netz: ${network}`,
    time: (time) => `Zeit: ${time} (UTC)`,
    unnamed: 'ohne Namen',
  },
  digest: {
    subject: (count, more) => `Du hast ${messages(count, more)}`,
    count: messages,
    unnamed: 'Ein Gespräch',
    from: (names, others) =>
      `Von ${others > 0 ? `${names.join(', ')} und ${others === 1 ? 'jemand anderem' : `${others} anderen`}` : names.join(', ')}`,
    further: (count) =>
      count === undefined
        ? 'Mehr steht in anderen Gesprächen.'
        : count === 1
          ? 'Mehr steht in einem anderen Gespräch.'
          : `Mehr steht in ${count} anderen Gesprächen.`,
    open: 'Parley öffnen',
    unsubscribe: 'Keine Mails dieser Art mehr',
    why: 'Du bekommst sie, weil Nachrichten eine Weile ungelesen waren.',
  },
  page: {
    title: 'Mails über ungelesene Nachrichten',
    ask: 'Möchtest du keine Mails über ungelesene Nachrichten mehr? Mails zur Sicherheit deines Kontos kommen weiterhin.',
    button: 'Keine solchen Mails mehr',
    done: 'Du bekommst keine Mails über ungelesene Nachrichten mehr.',
    again: 'In den Einstellungen der Benachrichtigungen kannst du sie wieder einschalten.',
  },
}
