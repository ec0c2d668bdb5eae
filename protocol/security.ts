/** Something that happened to an account and that its owner should hear of, since it may not have been them. */
export type SecurityEvent = {
  /** The account. */
  userId: string
  /** RFC 3339. */
  at: string
} & (
  | {
      /**
       * `session.started`: a device has logged in; not told of the log-in that follows a registration. `session.reused`: an old refresh
       * token was used, so that someone has a copy of it, and the session has been ended.
       */
      kind: 'session.started' | 'session.reused'
      sessionId: string
      /** As the session is named in the list of one's devices; chosen by the client, so whoever shows it escapes it. */
      device: string
      /** The network it came from, as in the list of one's devices. */
      place?: string
    }
  /** The password was changed, or (`byLink`) set anew by a mailed link. */
  | { kind: 'password.changed'; byLink?: true }
  /** The e-mail address is another one. */
  | { kind: 'email.changed' }
)

/** As it is told to the other services: with whom to tell, as the account is at that moment. */
export type ToldSecurityEvent = SecurityEvent & { username: string; email: string }
