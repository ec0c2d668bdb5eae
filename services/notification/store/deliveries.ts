/** By what way something reaches a person. */
export type Channel = 'mail' | 'push'

/** Something that is to reach one person by one way, once. */
export interface Delivery {
  /** Unique over all channels, and made of its cause, so that however often a cause comes it plans the same: `mail/<event>`. */
  id: string
  channel: Channel
  /** Whom it is for; absent where that is not known. */
  userId?: string
  /** What it tells of, for the question why: `<conversationId>/<seq>`. */
  about?: string
  plannedAt: number
  /** Not before then. */
  dueAt: number
  /** What the channel needs to send it, as JSON. It goes when the delivery is settled for good. */
  payload: unknown
}

/** A delivery as it is planned. */
export interface NewDelivery extends Delivery {
  /** One that is not to be sent comes with the reason: it is kept only to be told. */
  dropped?: Reason
  /** Of a push: where its device shows it (RFC 8030 calls that the topic), and up to which message it tells. */
  shown?: Shown
  /** Of a digest: the conversations that it is about, and `FURTHER` where there are more. */
  covers?: readonly string[]
  /** Of a digest that is not to be sent: what was found in them. */
  found?: readonly Found[]
}

/** What a digest tells of one of its conversations: the messages from that one on, or nothing, for that reason. */
export type Found = { conversationId: string } & ({ fromSeq: number } | { reason: string })

/** A later one of the same topic takes the place of an earlier one. */
export interface Shown {
  topic: string
  upTo: number
}

/** Stands for conversations in which something was new, and that are not named. */
export const FURTHER = '*'

/** Why something was not sent, or not yet: a short code for programs, and words (of a provider, say) for people. */
export interface Reason {
  reason: string
  detail?: string
}

/** A delivery that the caller alone may send now. */
export interface Claim extends Delivery {
  /** Rises with every claim of this delivery, from 1: what settles it. */
  epoch: number
  /** How often it has failed. A claim that was lost, or was given back for another reason, is no failure. */
  failures: number
  /** From then on another may claim it: nothing is to be sent any more. */
  leaseUntil: number
}

/** What came of a claim. */
export type Outcome =
  | { kind: 'sent'; providerId?: string; found?: readonly Found[] }
  /** To be tried again, not before `at`. `failed`: it was tried, and could not be sent. */
  | ({ kind: 'retry'; at: number; failed?: true } & Reason)
  /** It could not be sent, and will not be tried again. */
  | ({ kind: 'failed' } & Reason)
  /** It is not to be sent any more: it was read meanwhile, its link has ended. */
  | ({ kind: 'dropped'; found?: readonly Found[] } & Reason)

/** A delivery as the ledger tells of it. */
export interface Told extends Partial<Reason> {
  id: string
  channel: Channel
  userId?: string
  about?: string
  state: 'planned' | 'sending' | 'sent' | 'failed' | 'dropped'
  plannedAt: number
  /** While it is open: when it is tried next, or when its lease ends. */
  dueAt?: number
  settledAt?: number
  /** How often it was claimed. */
  epoch: number
  /** The provider's own id of it. */
  providerId?: string
}

/** A digest, with what it says of the conversation that was asked for; absent until that was looked at, and where it was not. */
export interface Covering extends Told {
  found?: Found
}

/**
 * The ledger of all that is told to people. A delivery is `sending`, under a lease, before anything leaves; so after a crash
 * it is known what may have left, and it is sent again with the same id.
 */
export interface DeliveryStore {
  /** Adds those whose id is not there yet; one that is there stays as it is, whatever has become of it. */
  plan(deliveries: readonly NewDelivery[]): Promise<void>
  /**
   * Takes up to `limit` of those that are due at `now`, the longest due first, each for this caller alone until `now + leaseMs`.
   * What another took and did not settle by the end of its lease is due again. `owner` says who, for whoever looks into the store.
   */
  claim(wanted: { channel: Channel; owner: string; now: number; leaseMs: number; limit: number }): Promise<Claim[]>
  /** Keeps a claim until then. False, and nothing is done, where it was settled or claimed again since. */
  renew(id: string, epoch: number, leaseUntil: number): Promise<boolean>
  /** Says what came of a claim. False, and nothing is done, where it was settled or claimed again since: whoever was frozen past the lease settles nothing. */
  settle(id: string, epoch: number, outcome: Outcome, now: number): Promise<boolean>
  /** When the next of the channel is due (or its lease ends); undefined while there is none. */
  nextDue(channel: Channel): Promise<number | undefined>
  /** How many of the channel are open, counted no further than `atMost`. */
  open(channel: Channel, atMost: number): Promise<number>
  /** What was planned for that user, the latest first, at most `limit`; after `before` where that is given. */
  ofUser(userId: string, limit: number, before?: { plannedAt: number; id: string }): Promise<Told[]>
  /** What was planned for that user about that, in order of id, at most `limit`. */
  about(userId: string, about: string, limit: number): Promise<Told[]>
  /** The first that was planned for that user since then (then included) and covers that conversation, or `FURTHER`; undefined where none was. */
  covering(userId: string, conversationId: string, since: number): Promise<Covering | undefined>
  /** Whether one for that user was sent that is shown in the same place and tells of more. */
  overtaken(userId: string, shown: Shown): Promise<boolean>
  /** Drops what is open for that user, and leaves of the rest nothing that names whom or what it was for. */
  forget(userId: string, now: number): Promise<void>
  /** Removes up to `limit` of those that were settled before `before`; how many it were. */
  purge(before: number, limit: number): Promise<number>
}

/** So begin the ids of mail about what is unread, and of no other. */
export const DIGEST_IDS = 'mail/digest-'

/** How long what was settled can be asked for. A cause that comes again after that must be too old to plan anything. */
export const KEPT_MS = 30 * 86_400_000

/** The reason of what `forget` drops. */
export const ACCOUNT_DELETED: Reason = { reason: 'account.deleted' }
