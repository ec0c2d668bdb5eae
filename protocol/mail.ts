/**
 * A mail that someone is to get: what its template needs, and nothing that the others may know. Every text in it may have been
 * chosen by a stranger, so whoever writes it into a page or a header escapes it. A link holds a secret that is good once, until
 * `expiresAt`: it is never logged, and what has expired is not sent.
 */
export type Mail = {
  /** The one recipient. No control characters, one `@`. */
  to: string
  username: string
  /** The account it is about. Absent in what was asked for before this was told. */
  userId?: string
} & (
  | { kind: 'password.reset'; link: string; expiresAt: string }
  /** To the new address; it is the account's once the link was opened. */
  | { kind: 'email.change'; link: string; expiresAt: string }
  /** The password was changed, or set anew by a link. */
  | ({ kind: 'password.changed' } & Confirmed)
  /** To the address that the account had before. */
  | ({ kind: 'email.changed' } & Confirmed)
)

/** An address at which the link of a mail was just opened: mail reaches it. */
interface Confirmed {
  confirmed?: string
}

export type MailKind = Mail['kind']
