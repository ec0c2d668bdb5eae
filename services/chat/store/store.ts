import type {
  ChangeEntry,
  Entry,
  Marks,
  MessageEntry,
  MessageExtras,
  MessageVersion,
} from '@parley/protocol/conversation'
import type { OwnChange, OwnChanged, OwnMark, OwnPage } from '@parley/protocol/own'
import type { Settings, SettingsChange } from '@parley/protocol/settings'
import type { TimelineEvent } from '@parley/protocol/timeline-event'
import type { KeepOrErase, PublicUser } from '@parley/protocol/user'
import type { Conversation } from '../conversation.ts'

/**
 * What the chat service keeps. Two implementations (`sqlite.ts`, `mongo.ts`), one contract suite (`store.contract.ts`).
 * Every promise holds among any number of processes on one store. When a store cannot say that something is durable it
 * rejects with `unavailable` (retryable); the same call with the same ids then does what it would have done the first time. With
 * any other error it rejects what it could never store.
 */
export interface ChatStore extends AsyncDisposable {
  readonly log: LogStore
  readonly marks: MarkStore
  readonly settings: SettingsStore
  readonly own: OwnStore
  readonly inbox: InboxStore
  readonly presence: PresenceStore
  readonly people: PeopleStore
  readonly departures: DepartureStore
  readonly search: SearchStore
  /** Names this life of the data; another after a backup was restored. Cursors of another epoch are expired. */
  readonly epoch: string
  /** False while the store cannot commit; for `/readyz`. An embedded store that met an I/O error stays so until it is opened again. */
  readonly healthy: boolean
  /** Reads that the database was asked for so far, each counted when it is asked; what was known already is none. For `/metrics`. */
  readonly reads: number
}

/** What a rule wants appended. The store gives `rev`, `seq`, `headSeq`, `membersRev` and `createdAt`. */
export type Draft = {
  conversationId: string
  /** Unique in the conversation; the same id again is the same entry. */
  id: string
  senderId: string
  /** Keyed hash of the original content: equal for a true repeat, different for another content under the same id. 16 to 32 bytes, hex. */
  contentHash: string
} & (
  | {
      kind: 'message'
      text: string
      /** Most messages have none. */
      extras?: DraftExtras | undefined
      /** The membership that was authorized. */
      membersRev: number
    }
  | DraftChange
)

/** What a message carries besides its text; at least something. The store makes a time of the lifetime, by the time of the commit. */
export type DraftExtras = Omit<MessageExtras, 'expiresAt'> & { lifetimeMs?: number }

/** A change as the log will have it. One of a message is of a message that there is; when that was deleted in the meantime, the entry is appended and changes nothing. */
type DraftChange = ChangeEntry extends infer E
  ? E extends Exclude<ChangeEntry, { kind: 'message.hidden' }>
    ? Omit<E, Given | 'membersRev'> & (E extends { kind: 'created' } ? unknown : { membersRev: number })
    : never
  : never
/** What the store gives, or what every draft has. */
type Given = 'conversationId' | 'id' | 'senderId' | 'rev' | 'createdAt' | 'headSeq'

/** Every kind of change that can be appended: the compiler finds one that is missing, or one too many. */
export const CHANGE_KINDS = Object.keys({
  created: true,
  opened: true,
  'members.added': true,
  'members.removed': true,
  'members.role': true,
  renamed: true,
  described: true,
  'invite.created': true,
  'invite.revoked': true,
  'timer.changed': true,
  'message.pinned': true,
  'message.edited': true,
  'message.deleted': true,
  'message.reacted': true,
} satisfies Record<DraftChange['kind'], true>) as DraftChange['kind'][]

export type Appended =
  /** Committed now. */
  | { outcome: 'appended'; entry: Entry }
  /** Was committed before, with the same sender and content: `entry` is the first one, in its place. Its text may be as it is now, or as it was sent. */
  | { outcome: 'repeated'; entry: Entry }
  /** The id is taken in this conversation by another sender or content; nothing was written. */
  | { outcome: 'conflict' }
  /** Membership is not (any more) as `membersRev` says; nothing was written. Read the conversation again, decide again. */
  | { outcome: 'stale' }

export interface FoundEntry {
  entry: Entry
  contentHash: string
  named?: Pick<MessageExtras, 'mentions' | 'mentionsAll'>
}

/** The conversation log, in which times of creation do not decrease: order, idempotency and durability are decided here, in one atomic step per entry. */
export interface LogStore {
  /**
   * Appends at the head (P1, P2, P3). Resolves only when the entry, and every entry before it, is durable and readable by
   * all. `rev` and `seq` are dense; entry n is never readable before n-1. Appends of one caller to one conversation keep
   * their call order. Appends that arrive together commit together; the next round starts when the last one returned.
   * `created` on an existing conversation is `repeated` or `conflict`; any other kind on a missing one is `stale`.
   * A change of a conversation resolves only when `findConversation`, and the inboxes of those it touches, show it; a change of
   * a message when every read of that message does. Once a deletion has resolved, no version of the text and no hash of it is
   * in the store any more; the ids stay taken, and a repeat is then known by its sender alone.
   * Rejects `unavailable` at once when the queue is full, and after bounded retries when the store cannot commit; those that
   * this process had queued behind it in the same conversation are then rejected too, so that a later one never overtakes.
   */
  append(draft: Draft): Promise<Appended>

  /**
   * The entry with that id, with the hash its content had (empty when it was deleted). For refusals: an id is looked up before anything
   * is refused (P2). `named`: of a message that was edited since and not deleted, whom it named as it was sent (nobody, where the
   * edit was made by an older release).
   */
  findEntry(conversationId: string, id: string): Promise<FoundEntry | undefined>

  /** The conversation with everything in it that was acknowledged before the call, on any node. */
  findConversation(conversationId: string): Promise<Conversation | undefined>

  /**
   * Like `findConversation` but may be as old as its caller's last look: `membersRev` or newer where given. For the send
   * path (an append checks `membersRev` again) and for fan-out. Costs no read when cached; may then be given at once.
   */
  cachedConversation(
    conversationId: string,
    membersRev?: number,
  ): Conversation | undefined | Promise<Conversation | undefined>

  /** The messages with `fromSeq` <= seq <= `toSeq` as they are now, ascending; at most `LIMITS.pageMax`. Reads a closed range by index. */
  readMessages(conversationId: string, fromSeq: number, toSeq: number): Promise<MessageEntry[]>

  /** The messages with these `seq`s as they are now, ascending; of at most `LIMITS.pageMax` that are asked for. Who is not there is left out. */
  pickMessages(conversationId: string, seqs: readonly number[]): Promise<MessageEntry[]>

  /** Which messages with `fromSeq` <= seq <= `toSeq` name that user, or everybody, ascending, at most `limit`; and who sent each. Those that are deleted name nobody. */
  readMentions(
    conversationId: string,
    userId: string,
    fromSeq: number,
    toSeq: number,
    limit: number,
  ): Promise<{ seq: number; senderId: string }[]>

  /** The entries with `fromRev` <= rev <= `toRev`, ascending; at most `LIMITS.pageMax`. Messages are as they are now; an edit has its text while it is the latest. */
  readEntries(conversationId: string, fromRev: number, toRev: number): Promise<Entry[]>

  /**
   * The changes that a timeline shows (`isTimelineEvent`) with `fromSeq` <= `headSeq` <= `toSeq`, ascending by `rev`; where there are
   * more than `limit`, the latest of them. Reads a closed range by index.
   */
  readEvents(conversationId: string, fromSeq: number, toSeq: number, limit: number): Promise<TimelineEvent[]>

  /** Every version of a message's text, the first one first; none of a deleted message. */
  readVersions(conversationId: string, seq: number): Promise<MessageVersion[]>

  /**
   * Erases, of at most `limit` messages that have disappeared and still leave something, all that a deletion would: texts, versions,
   * reactions, hashes, whom they named. Gives of how many. Bounded work by an index; repeatable, by any number of processes at once.
   * What has disappeared (`expiresAt`, by this process's clock) reads as deleted everywhere in this interface before and after.
   */
  eraseExpired(limit: number): Promise<number>

  /**
   * How many messages after `afterSeq` up to `toSeq` are not from `userId`, not deleted and have not disappeared, counted to at most
   * `max`. Every deletion up to the head that was read before is in it. `until`: when the first of those that were counted disappears;
   * absent where they all stay.
   */
  countOthers(
    conversationId: string,
    userId: string,
    afterSeq: number,
    toSeq: number,
    max: number,
  ): Promise<{ count: number; until?: string }>

  /**
   * Entries committed and not yet marked relayed, oldest first per conversation, at most `limit`. `own`: only those appended
   * by this process (at once). Otherwise those that this process has itself watched pending for `watchedMs`: their
   * appender is taken for dead. SQLite has one process: all are its own.
   */
  pending(limit: number, watchedMs?: number): Promise<Entry[]>

  /** Raises the inboxes of the members of these entries (see `InboxStore`). Repeatable. The relay calls it while the bus is away, so that polling nodes see the news. */
  raise(entries: readonly Entry[]): Promise<void>

  /** Raises like `raise`, then marks the entries relayed, for good. Repeatable. */
  relayed(entries: readonly Entry[]): Promise<void>

  /** Called after each commit of this process, so that the relay need not poll. */
  onCommit(handle: () => void): Disposable
}

/** High-water marks (P5). */
export interface MarkStore {
  /**
   * Merges by max, clamped to what is committed: `readSeq` <= `deliveredSeq` <= head, read raises delivered too. Rides in
   * a round of appends, or in one of its own after at most 250 ms. Resolves with the marks as they are when durable, and
   * when the inboxes of the user and of those who see the marks (all members where at most `LIMITS.marksMembers`) are raised.
   * `changed` says whether this call moved them.
   */
  raise(mark: {
    conversationId: string
    userId: string
    deliveredSeq?: number
    readSeq?: number
  }): Promise<Marks & { changed: boolean }>

  /** Marks of these members (all members that have any, when not given). Members without a row have 0, 0 and are left out. */
  read(conversationId: string, userIds?: readonly string[]): Promise<Marks[]>
}

/** Whose settings, of what. `fromRev` names the stay: after one has left, the settings of that stay are never seen again. */
export interface Stay {
  conversationId: string
  userId: string
  /** The first entry that the member may see (`Member.fromRev`). */
  fromRev: number
}

/** Each member's own settings of a conversation. */
export interface SettingsStore {
  /**
   * Merges what is given into what is kept, field by field, as of the `headSeq` given; each change has the next `rev`. So of
   * two changes at once of different fields both hold, of the same field the later one, and all readers agree. Resolves
   * with the settings as they are when durable, and when the inbox row of this user alone is raised. Repeatable: what is so
   * already is no change. Undefined, and nothing written, when that stay has ended.
   */
  change(
    stay: Stay,
    change: SettingsChange,
    headSeq: number,
  ): Promise<{ settings: Settings; changed: boolean } | undefined>

  /** The user's settings of these, in their order; `UNSET` where nothing was set in that stay. One read. */
  read(userId: string, stays: readonly Omit<Stay, 'userId'>[]): Promise<Settings[]>

  /** The settings of these members of one conversation, in their order. One read. */
  ofMembers(conversationId: string, members: readonly Omit<Stay, 'conversationId'>[]): Promise<Settings[]>

  /** The conversations that the user has pinned, in this stay or one that has ended; at most `limit`. */
  pinned(userId: string, limit: number): Promise<Omit<Stay, 'userId'>[]>
}

/** What each user made of messages for themselves: starred, hidden. A message belongs to one stay alone, since a later one begins above it. */
export interface OwnStore {
  /**
   * Makes the change of these messages, each of which changes with the next `rev` of that user's own state in that
   * conversation; all of them or none. Resolves with what it changed when that is durable, and when the inbox row of this user
   * alone is raised. Repeatable: what is so already is no change. Undefined, and nothing written, when that stay has ended.
   */
  change(stay: Stay, change: OwnChange): Promise<OwnChanged | undefined>

  /** What is above `after` of the messages from `fromSeq` on, by `rev`, at most `limit`. */
  page(userId: string, conversationId: string, fromSeq: number, after: number, limit: number): Promise<OwnPage>

  /** What is of the messages with `fromSeq` <= seq <= `toSeq`, by `seq`; at most `LIMITS.pageMax`. */
  among(userId: string, conversationId: string, fromSeq: number, toSeq: number): Promise<OwnMark[]>

  /** The `rev` of the user's own state in each of these conversations, in their order; 0 where there is none. One read. */
  revs(userId: string, conversationIds: readonly string[]): Promise<number[]>

  /** What the user has starred in any stay, the latest first, at most `limit`, below the place `before` where it is given. */
  starred(userId: string, limit: number, before?: number): Promise<Starred[]>

  /** How many messages the user has starred in any stay, counted to at most `max`. */
  countStarred(userId: string, max: number): Promise<number>

  /** Takes stars back of which nobody's device has to be told, since those stays have ended. Repeatable. */
  unstar(userId: string, messages: readonly Omit<Starred, 'place'>[]): Promise<void>
}

/** A starred message. */
export interface Starred {
  conversationId: string
  seq: number
  /** Rises with time. Two may have the same, but not two of one call. */
  place: number
}

/**
 * One row per user and conversation with a `stamp` that is unique per user and rises when something changed that some
 * device of the user may not know. A device that has synced up to stamp s and sees no row above s has missed nothing.
 */
export interface InboxStore {
  /**
   * The user's rows with stamp > `after`, ascending, at most `limit`; `head` is the largest stamp given out for the user
   * when the page was read. Before it resolves it records, durably, that a device has synced up to the last of these rows
   * (at least `after`). So: whatever changes later either shows in what the caller reads next (conversations, marks) or
   * raises the row above that stamp. A page without rows writes nothing.
   */
  page(userId: string, after: number, limit: number): Promise<{ rows: InboxRow[]; head: number }>

  /** Is the user a member of it now, going by the inbox? Every conversation the user is in has a row with `gone` false. */
  conversationIds(userId: string, limit: number): Promise<string[]>

  /** The stamp heads of these users, in their order: polling while the bus is away compares them. One read. */
  heads(userIds: readonly string[]): Promise<number[]>
}

export interface InboxRow {
  conversationId: string
  stamp: number
  /** No longer a member. */
  gone: boolean
}

/** Which users are here: one lease per device (socket), living as long as its node's heartbeat. Times are the database's. */
export interface PresenceStore {
  /** Adds a lease, or changes whether its device is idle. Resolves `first: true` when the user had none alive. */
  connect(lease: { nodeId: string; socketId: string; userId: string; idle?: boolean }): Promise<{ first: boolean }>
  /** Ends it. `last: true` when no lease alive is left; `lastSeenAt` is then kept. Repeatable. */
  disconnect(lease: { nodeId: string; socketId: string; userId: string }): Promise<{ last: boolean }>
  /** Says that the node lives; to be called every 5 s. */
  heartbeat(nodeId: string): Promise<void>
  /** Removes the leases of nodes without a heartbeat for 15 s and gives the users who have none left. Each is given to one caller. */
  expire(): Promise<string[]>
  /** Who of these is online, and when the others were last seen. In their order. */
  read(userIds: readonly string[]): Promise<{ userId: string; online: boolean; lastSeenAt?: string }[]>
  /** Those of these who have a device that is alive and not idle. In their order. */
  active(userIds: readonly string[]): Promise<string[]>
}

/** The projection of users that the chat service needs. */
export interface PeopleStore {
  /** Keeps or updates, unless it knows a later `rev` (absent: 0) of that user; repeatable. */
  put(person: PublicUser): Promise<void>
  /** Those of these who are known; who has gone (`DepartureStore`) has no name, and `GONE_REV`. */
  find(ids: readonly string[]): Promise<PublicUser[]>
}

/** What is looked for. Everything given must hold. */
export interface MessageSearch {
  /** Who looks: finds what the present membership shows (P6). */
  userId: string
  /** Folded (`protocol/fold.ts`), none empty; a text must have all of them. */
  terms: readonly string[]
  /** Only in conversations with one of these ids, or with one of these, folded, in their title. */
  within?: { ids: readonly string[]; titles: readonly string[] }
  senderIds?: readonly string[]
  /** Created before that time, and at that time or later, in milliseconds since 1970. */
  before?: number
  since?: number
  /** With a link in it. */
  link?: boolean
  /** Go on below this: `next` of a page before, for the same search. */
  below?: string
  limit: number
  /** Milliseconds that a page may take, 30 if not given: what is found by then is the page. */
  budgetMs?: number
}

export interface MessagesFound {
  /** As they are now, the newest first. Fewer than `limit`, or none, where the time was used up. */
  messages: MessageEntry[]
  /** Where the next page begins; absent when there is no more to be found. */
  next?: string
  /** All that was committed, edited or deleted before that moment was looked at: now, unless the index is behind. */
  indexedUpTo: string
  /** The index is behind: more may be found later. */
  behind: boolean
}

/**
 * Finds messages by what is in them. The index holds nothing that is not in the log: it is made in the background, never in a
 * commit, and made anew when it is lost, damaged or of other data. Text is found at most two seconds after its commit while the
 * index is not `behind`. What is given was compared with the text as it is at that moment, so that no edit or deletion is
 * overlooked. Within a minute after a deletion has resolved, nothing in the index tells of the text.
 */
export interface SearchStore {
  /** Rejects `unavailable` where it cannot look for the moment, or too many do. */
  find(search: MessageSearch): Promise<MessagesFound>
}
/** The place among what is starred of the message that is starred as the `nth` of a call at that time, in milliseconds since 1970. */
export const starPlace = (at: number, nth: number): number => at * 1_000 + nth

/** Someone who deleted their account. */
export interface Departure {
  userId: string
  messages: KeepOrErase
  /** When that was. */
  at: string
  /** The last conversation that was seen to. */
  after?: string
}

/** The `rev` of the person who has gone: nothing that is heard later is newer. */
export const GONE_REV = Number.MAX_SAFE_INTEGER

/** Who has gone, and how far their conversations were seen to. */
export interface DepartureStore {
  /** Notes it, for ever; from then on `PeopleStore` knows no name. Once it was noted, it stays as it is. */
  begin(departure: Omit<Departure, 'after'>): Promise<void>
  /** Those that are not finished, at most `limit`, in no promised order. */
  open(limit: number): Promise<Departure[]>
  /** Every conversation that the user is or ever was in by what was appended before, whoever died since, in one order that does not change, after that one, at most `limit`. */
  conversations(userId: string, after: string | undefined, limit: number): Promise<string[]>
  /** All up to that one are done. */
  advance(userId: string, after: string): Promise<void>
  /**
   * Erases, of what the user kept for themselves in any conversation and any stay (settings with drafts, what is starred and hidden),
   * at most `limit` rows, and gives of how many: fewer when there are no more. Nobody is told. Repeatable.
   */
  forget(userId: string, limit: number): Promise<number>
  finish(userId: string): Promise<void>
}
