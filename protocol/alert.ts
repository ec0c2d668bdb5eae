/** What one is alerted to inside Parley (the bell): types only, for the SDK and the web client too. */

export const ALERT_KINDS = [
  'mention',
  'mention.all',
  'reply',
  'reaction',
  'contact.requested',
  'contact.accepted',
  'group.added',
  'session.started',
  'session.reused',
  'password.changed',
  'email.changed',
] as const
export type AlertKind = (typeof ALERT_KINDS)[number]

/**
 * Something that one may want to look at. It says who, what and where, and never what was written: that is read at the message,
 * where one may see it.
 */
export interface AlertItem {
  /** The same however often the cause is told. */
  id: string
  kind: AlertKind
  /** When it happened; of reactions, when the latest of them came. */
  at: string
  read: boolean
  /** Who did it, the latest first, at most three; none of a security event. */
  actors: AlertActor[]
  /** How many they are. */
  actorCount: number
  /** The conversation, and in it the message: of `reaction` one's own, else that which names or answers one. */
  conversationId?: string
  seq?: number
  /** Of `reaction`: the latest. */
  emoji?: string
  /** Of `session.started` and `session.reused`: the session, as in the list of one's devices; it may have ended since. */
  sessionId?: string
  device?: string
  place?: string
}

export interface AlertActor {
  id: string
  /** Empty for who has deleted the account. */
  username: string
  displayName?: string
  colour?: number
  deleted?: true
}

/** A page of one's alerts, the latest first. */
export interface AlertPage {
  items: AlertItem[]
  /** Of all that there are. */
  unread: number
  /** Of two pages or news the one with the higher has the true `unread`. */
  rev: number
  nextCursor?: string
}

/** What is unread after some were read. */
export interface AlertsRead {
  unread: number
  rev: number
}

/**
 * What changed in one's alerts, on whatever device. Where it says nothing of what that is, some may have gone: whoever shows them reads
 * them again.
 */
export interface AlertNews extends AlertsRead {
  /** New, or other than before: each takes the place of the one with its id. */
  items?: AlertItem[]
  /** They are there no more. */
  gone?: string[]
  /** They were read; or all that happened up to that time. */
  read?: { ids: string[] } | { upTo: string }
}
