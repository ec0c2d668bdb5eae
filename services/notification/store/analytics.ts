/** Something that counts once on a day: the same again changes nothing. */
export interface Fact {
  /** UTC, as `2030-12-31`. */
  day: string
  /** `active`: `id` is a user's. `registered`: a user's. `logIn`: the event's. `alert`: the alert's. */
  kind: 'active' | 'registered' | 'logIn' | 'alert'
  id: string
}

/** What was counted of one day. */
export interface DayCounts {
  messages: number
  activeUsers: number
  registrations: number
  logIns: number
  notices: Notices
}

/** What became of notices, by channel. Of a day that an older release closed `mail` has digests too, and nothing is known of alerts. */
export type Notices = Record<'mail' | 'push', Outcomes> & {
  /** Mail about what is unread. */
  digest?: Outcomes
  /** Told inside Parley. It is told when it is stored, so it can neither fail nor be dropped. */
  alert?: { sent: number }
}
export type Outcomes = Record<'sent' | 'failed' | 'dropped', number>

/**
 * Daily counts. While a day is open they are counted from what there is: facts, the ledger, and how far each conversation was heard of
 * (`watches.ts`). Then the numbers are kept, and the facts go, and with them who it was.
 */
export interface AnalyticsStore {
  /** Adds facts that are not there yet. */
  note(facts: readonly Fact[]): Promise<void>
  /**
   * Counts as of that day each message that a conversation was heard to have, and that was not counted yet. Each is counted once, by
   * however many processes and whatever fails in between.
   */
  countMessages(day: string): Promise<void>
  /** What is counted of an open day. */
  count(day: string): Promise<Omit<DayCounts, 'notices'>>
  /** What became of notices on that day: by the ledger, of each that was settled then, once; of alerts by the facts. */
  notices(day: string): Promise<Required<Notices>>
  /** Closes a day with these numbers and removes its facts; nothing more is to be noted of it. A day that is closed stays as it is. */
  close(day: string, counts: DayCounts): Promise<void>
  /** The closed days from `from` to `to`, both included, ascending. */
  closed(from: string, to: string): Promise<{ day: string; counts: DayCounts }[]>
  /** Forgets closed days before `before`, and facts of days before `factsBefore`. */
  purge(before: string, factsBefore: string): Promise<void>
}

export const DAY_MS = 86_400_000
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
/** When a day begins. */
export const startOf = (day: string): number => Date.parse(`${day}T00:00:00.000Z`)
