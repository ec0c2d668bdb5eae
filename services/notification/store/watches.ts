import type { Cause, Reason } from '../decision.ts'
import type { NewDelivery } from './deliveries.ts'

/** How long what was decided can be asked for. Longer than messages may wait (`OLDEST_MS`): who comes after that finds no conversation half decided. */
export const ROUNDS_KEPT_MS = 3 * 86_400_000

/** How long a conversation is remembered in which nothing more is said. Longer than a day takes to be closed at the latest (`analytics.ts`). */
export const WATCHES_KEPT_MS = 35 * 86_400_000
/** Where a conversation is not known (any more), so many messages before the first that is told are looked at too: what tells of those may come later. */
export const LOOK_BACK = 200

/** There are messages in that conversation, up to that one. */
export interface News {
  conversationId: string
  seq: number
  /** The first of them. What lies before it was told by others, or before the conversation was forgotten; absent: none does. */
  fromSeq?: number
}

/** Messages of one conversation that the caller alone may decide on now. */
export interface Watch {
  conversationId: string
  /** A closed range. Whoever claims it again, until it is decided, is given the same: so what is made of it has the same ids. */
  fromSeq: number
  toSeq: number
  /** Rises with every claim: what settles it. */
  epoch: number
  /** From then on another may claim it. */
  leaseUntil: number
  /** It was decided already, by someone who died before all of it was done: that is done now, and nothing is decided again. */
  decided?: Round
}

/** What was decided of messages of one conversation at one moment. */
export interface Round {
  conversationId: string
  fromSeq: number
  toSeq: number
  at: number
  answers: Answer[]
}

/** The users who were given one answer, and of which messages. */
export interface Answer {
  fromSeq: number
  toSeq: number
  answer: Cause | Reason
  userIds: string[]
}

/**
 * Conversations in which messages wait to be decided on, and what was decided. Every message is decided on once: a conversation's
 * messages have no gaps, so one number says how far it is, and what is heard late, twice or in another order changes nothing. Of one that was
 * forgotten some old ones are decided on again, which tells nobody anything: they are too old.
 */
export interface WatchStore {
  /**
   * Notes what was heard. Where nothing waits yet, it is due at `dueAt`; where something does, it is decided along with that. Gives when
   * each conversation is due, before which nobody decides there; not of one that somebody decides on now, or where all is decided.
   */
  note(news: readonly News[], dueAt: number): Promise<{ conversationId: string; dueAt: number }[]>
  /**
   * Takes up to `limit` of the conversations that are due at `now`, the longest due first, each for this caller alone until
   * `now + leaseMs`. What another took and did not settle by then is due again.
   */
  claim(wanted: { owner: string; now: number; leaseMs: number; limit: number }): Promise<Watch[]>
  /**
   * All of the claim is decided: keeps the round and plans the deliveries. What is there beyond it, up to `next.seq` or as was heard
   * meanwhile, is due at `next.dueAt`. False where another has claimed it since; nothing of it is then done, or only what that one does too.
   * Of a watch that was decided already the round is that one.
   */
  decide(
    watch: Watch,
    round: Round,
    deliveries: readonly NewDelivery[],
    next: { seq: number; dueAt: number },
  ): Promise<boolean>
  /** Nothing could be decided: it is due again at `at`. */
  postpone(watch: Watch, at: number): Promise<void>
  /** When the next is due; undefined while none waits. */
  nextDue(): Promise<number | undefined>
  /** The round that this message was decided in; undefined while it was not, or is forgotten. */
  round(conversationId: string, seq: number): Promise<Round | undefined>
  /**
   * Forgets up to `limit` conversations of which nothing was heard since `before`, where all is decided and counted; how many it were. What
   * is said there later is counted from its `fromSeq` on.
   */
  prune(before: number, limit: number): Promise<number>
  /** Leaves nothing of these users in what was decided. Others may decide meanwhile; it takes a while, and no one step long. */
  forget(userIds: readonly string[]): Promise<void>
  /** Forgets up to `limit` rounds from before `before`; how many it were. */
  purge(before: number, limit: number): Promise<number>
}
