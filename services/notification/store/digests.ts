import type { NewDelivery } from './deliveries.ts'

/** Of a user's conversations so many are kept as having something new; that there are more is kept as well. */
export const DIGEST_CONVERSATIONS = 50

/** Something is new in that conversation for those users. */
export interface DigestNews {
  conversationId: string
  userIds: readonly string[]
}

/** What waits for one user, which the caller alone may turn into a mail now. */
export interface DigestClaim {
  userId: string
  /** Rises with each that was settled: whoever claims the same again is given the same. */
  round: number
  /** What came first stands first. */
  conversationIds: string[]
  /** There were more. */
  more: boolean
  /** Rises with every claim: what settles it. */
  epoch: number
  /** How often in a row it was put off as `failed`. */
  failures: number
  /** Rises with all that was noted: what came later than this waits on. */
  version: number
  leaseUntil: number
}

/** When what is noted is due: at `dueAt`, and not before `everyMs` after the user's last mail. */
export interface DigestPace {
  dueAt: number
  everyMs: number
}

/**
 * Users for whom something is unread and who are not here: one row for each who waits, however many messages and conversations it are.
 */
export interface DigestStore {
  /** Notes it for all of them. Where something waits already it is due along with that. `at` is when that was. */
  note(news: DigestNews, pace: DigestPace, at: number): Promise<void>
  /** Takes up to `limit` of those that are due at `now`, the longest due first, each for this caller alone until `now + leaseMs`. */
  claim(wanted: { now: number; leaseMs: number; limit: number }): Promise<DigestClaim[]>
  /**
   * What was claimed waits no more, and the delivery is planned; `mailedAt` where it is a mail, from which the next one is counted. What
   * was noted meanwhile is due by `pace`. False where another has claimed it since; nothing of it is then done, or only what that one does too.
   */
  settle(claim: DigestClaim, delivery: NewDelivery, mailedAt: number | undefined, pace: DigestPace): Promise<boolean>
  /** Nothing can be said of it now: it is due again at `at`. `failed`: although it was tried. */
  postpone(claim: DigestClaim, at: number, failed: boolean): Promise<void>
  /** When the next is due; undefined while none waits. */
  nextDue(): Promise<number | undefined>
  /** Nothing waits for that user any more, and nothing of them is kept. */
  forget(userId: string): Promise<void>
  /** Forgets up to `limit` of those for whom nothing waits and nothing was noted since `before`; how many it were. */
  purge(before: number, limit: number): Promise<number>
}

/** As long as the ledger knows of a round, its number must not come again; this is longer. */
export const DIGESTS_KEPT_MS = 90 * 86_400_000
