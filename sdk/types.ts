import type { AlertItem } from '@parley/protocol/alert'
import type { ContactItem, ContactList } from '@parley/protocol/contact'
import type {
  ConversationItem,
  InviteItem,
  InvitePreview,
  Marks,
  MessageEntry,
  Role,
  StarredPage,
  SyncPage,
} from '@parley/protocol/conversation'
import type { Problem } from '@parley/protocol/fault'
import type { DeviceItem, FcmWebConfig, NoticeTest, Preferences, Why } from '@parley/protocol/notification'
import type { Profile, ProfileChange, ProfileView } from '@parley/protocol/profile'
import type { SearchPage } from '@parley/protocol/search'
import type { Level } from '@parley/protocol/settings'
import type { PresenceItem, SendReply } from '@parley/protocol/socket'
import type { TimelineEvent } from '@parley/protocol/timeline-event'
import type { KeepOrErase, OwnUser, PublicUser, SessionItem } from '@parley/protocol/user'

/** A value that changes; fits React's `useSyncExternalStore`. `get` returns the same object until it changes. */
export interface Readable<T> {
  get(): T
  /** Calls back after each change, until the returned function is called. */
  subscribe(changed: () => void): () => void
}

/**
 * Where a device keeps what must survive it: the outbox, the timelines it holds, its cursor. IndexedDB in browsers
 * (`indexeddb.ts`), memory (`memory.ts`) or a file (`file.ts`) in Node. Values are structured-clonable.
 */
export interface DeviceStorage {
  /** Set where other tabs may use the same storage at the same time: the name by which they find a leader. */
  readonly sharedAs?: string | undefined
  get(key: string): Promise<unknown>
  /** All pairs whose key begins with `prefix`, by key. */
  list(prefix: string): Promise<[string, unknown][]>
  /** Writes all or none; durable when it resolves. `undefined` deletes. */
  write(changes: readonly [string, unknown][]): Promise<void>
  /** Forgets everything (log-out). */
  clear(): Promise<void>
  close(): Promise<void>
}

export interface ClientOptions {
  /** Base address, such as `http://localhost:3000`; in a browser the page's own origin by default. */
  url?: string
  storage?: DeviceStorage
  /** `cookie` (browsers): the refresh token stays in an HttpOnly cookie. `body` (Node): it is kept in `storage`. */
  tokens?: 'cookie' | 'body'
  deviceName?: string
  transports?: ('websocket' | 'polling')[]
  fetch?: typeof fetch
  /** Where pushes for this device are taken. Without it this device is pushed nothing. */
  push?: PushSource
  /** How long a hole in what arrives may wait for the missing entries before they are fetched; 150 ms by default. */
  gapWaitMs?: number
}

/**
 * Where pushes for this device are taken: in a browser its push service (W3C Push API), in an app Firebase Cloud Messaging, by the client that
 * Firebase has for it (`getToken`, `deleteToken`; when it has a new token, `notifications.look`). One address at a time.
 */
export interface PushSource {
  /** The address that there is, and the key that it takes pushes of, where that is known. */
  current(): Promise<PushAddress | undefined>
  /**
   * A new address, in a browser for pushes of that key (RFC 8292) alone; where the operator has pages register by Firebase, `fcmWeb` is what with.
   * Asks nobody for permission: rejects with `PushRefused` where there is none.
   */
  subscribe(publicKey: string, fcmWeb?: FcmWebConfig): Promise<PushAddress>
  /** Nothing arrives at the address any more. */
  unsubscribe(): Promise<void>
}

export type PushAddress = BrowserAddress | AppAddress

export interface BrowserAddress {
  endpoint: string
  /** Both base64url (RFC 8291). */
  keys: { p256dh: string; auth: string }
  publicKey?: string
}

/** An app's, at Firebase Cloud Messaging. `form`: whether the system shows what comes (`notification`), or the app itself (`data`). */
export interface AppAddress {
  kind: 'fcm'
  token: string
  platform: 'android' | 'ios' | 'web'
  form?: 'notification' | 'data'
  /** Of the web: the `vapidKey` that it was made for. With another, or none, at the server it is made anew. */
  publicKey?: string
}

/** Signed out, or who is signed in. `ended` says why the last session stopped by itself. */
export type SessionState =
  | { status: 'signed-out'; ended?: string }
  | { status: 'signed-in'; user: OwnUser; sessionId: string }

/** `live`: connected and synced up to the head. */
export type ConnectionState = 'offline' | 'connecting' | 'syncing' | 'live'

/** What one's own message is: waiting in the outbox, refused for good, or how far it got. Only ever moves forward (I14). */
export type MessageStatus = 'pending' | 'failed' | 'sent' | 'delivered' | 'read'

/** A message waiting to be acknowledged. Kept durably before it is shown. */
export interface OutboxItem extends SendExtras {
  id: string
  to: { conversationId: string } | { receiverId: string }
  text: string
  /** How it is kept, where that is not as at first: a client that does not know the format leaves the item to one that does. */
  format?: number
  /** Order of sending on this device. */
  order: number
  queuedAt: string
  /** Not a message but a change of one, which waits behind whatever was queued before it. `text` is then empty. */
  change?: QueuedChange
  /** Set after a definite refusal; `retry` or `discard` it. */
  refused?: Problem
}

/** What a message may carry besides its text. Whom it names the server finds in the text. */
export interface SendExtras {
  /** The `seq` of the message of the same conversation that it answers. */
  replyTo?: number
  /** It was said elsewhere before, and is passed on. */
  forwarded?: true
}

/** A change of a message. `seq` is unknown while the message itself, `messageId`, waits; of a pin both are in its action. */
export interface QueuedChange {
  messageId: string
  seq?: number
  action: MessageAction
}

/** What changes the message itself. */
export type Amendment =
  | { kind: 'edit'; text: string }
  | { kind: 'delete' }
  | { kind: 'react'; emoji: string; on: boolean }

export type MessageAction =
  | Amendment
  /** With the place of its own, so that a client which does not know it never takes it for another change. */
  | { kind: 'pin'; seq: number; on: boolean }

/** A message in a timeline, or one's own that still waits in the outbox. */
export type MessageRef = Pick<TimelineMessage, 'conversationId' | 'id' | 'seq'> | Pick<OutboxItem, 'id' | 'to'>

export interface TimelineMessage extends MessageEntry {
  /** User name, where known; empty also for who has deleted the account. */
  sender: string
  mine: boolean
  /** Another's, and it names oneself or everybody. */
  namesMe: boolean
  /** For one's own: `sent`, `delivered` or `read` (by everyone else, in a group). */
  status: MessageStatus
  /** By oneself. */
  starred?: true
}

/** What a message answers: as it is now; being fetched; deleted for oneself; or none that one may see. */
export type Quote = TimelineMessage | 'loading' | 'hidden' | 'unseen'

/** A contiguous range of a conversation's messages, but for what one has hidden: the newest, then what waits in the outbox; or, after a jump, what is there. */
export interface TimelineView {
  conversationId: string
  messages: readonly TimelineMessage[]
  /**
   * What happened among these messages (who came and went, roles, title, description, timer, pins), in its order; each stands behind the
   * message with its `headSeq`, and `names` are the user names of those whom it names, as far as known. Nothing of it is unread.
   */
  events: readonly (TimelineEvent & { names: Readonly<Record<string, string>> })[]
  pending: readonly (OutboxItem & { status: 'pending' | 'failed' })[]
  /** What the messages above answer, by its `seq`. */
  quotes: ReadonlyMap<number, Quote>
  /** What one has begun to answer here, as it is now. */
  answering?: { seq: number; message: Quote }
  /** There are older messages than `messages[0]` that one may see. */
  hasOlder: boolean
  loadingOlder: boolean
  /** One has jumped away from the newest messages: there are newer ones than the last of these, and `pending` is empty. */
  hasNewer: boolean
  loadingNewer: boolean
  /** Everybody's marks as far as known (not one's own). */
  marks: readonly Marks[]
  /** User ids that are typing now. */
  typing: readonly string[]
}

export interface Timeline extends Readable<TimelineView> {
  /** Loads the newest page if nothing is held yet. */
  open(): Promise<void>
  /** One older page; resolves when it is in the view. */
  loadOlder(): Promise<void>
  /** One newer page, while there `hasNewer`. */
  loadNewer(): Promise<void>
  /**
   * Shows what is around a message or a time, far from the newest messages or not. Gives the `seq` of the message there: the first of
   * that time or later, or the nearest; undefined where there is none, or another jump came after this one.
   */
  jump(to: JumpTarget): Promise<number | undefined>
  /** Back to the newest messages. */
  toLatest(): void
}

/** A message by its `seq`, or a time (RFC 3339). */
export type JumpTarget = { seq: number } | { at: string }

/** A conversation in the list. `rev` and `headSeq` are what this device holds of it; marks and unread as far as it knows. */
export interface ConversationView extends Omit<ConversationItem, 'lastMessage'> {
  /** The newest that one has not hidden, where it is known. */
  lastMessage?: TimelineMessage
  /** Messages of it in the outbox. */
  pendingCount: number
}

/**
 * What is one's own of a conversation, the same on all of one's devices. Each is shown at once (`ConversationView.me.settings`),
 * kept while offline and told to the server when it can be; of two devices the later one's word holds. All throw
 * `not_found` where there is no such conversation.
 */
export interface ConversationHandle {
  /** `FOR_EVER` (`@parley/protocol/settings`) for no end. */
  mute(until: Date): void
  unmute(): void
  /** Takes it out of the list until somebody writes in it, or for good while it is muted. An archived one is not pinned. */
  archive(yes?: boolean): void
  /** On top of the list, above those pinned before. Throws `validation.failed` when as many are as may be. */
  pin(yes?: boolean): void
  setLevel(level: Level): void
  /** What one has begun to write; cut where no message may be as long. Told at most once a second; `send` empties it. */
  setDraft(text: string): void
  /**
   * Which message one has begun to answer, or none. Kept on this device only, until something is sent with `replyTo`;
   * shown as `TimelineView.answering`.
   */
  setAnswer(seq: number | null): void
  /** Messages that one wants to find again. */
  star(seqs: readonly number[], on?: boolean): void
  /** Deletes messages for oneself: this device and one's others show nothing of them. A star goes with it. Undone by `false`. */
  hide(seqs: readonly number[], on?: boolean): void
}

/** How long an invite is in force, and for how many; null, or absent, without an end and for any number. */
export interface InviteTerms {
  expiresInMs?: number | null
  maxUses?: number | null
}

/** A person as far as this device knows: the names, and the rest of the profile once it was read or heard. `deleted`: the account was, and the name is empty. */
export type Person = PublicUser & Partial<Omit<ProfileView, keyof PublicUser>> & { deleted?: true }

/** Whoever this device shows, or has shown, by id: members, contacts, who was found. Kept true while connected for whom it watches, and looked at on each connection. */
export interface People extends Readable<ReadonlyMap<string, Person>> {
  /** Reads a profile as one may see it. Rejects with `not_found` for whom one may not see. */
  load(userId: string): Promise<Person>
}

/** One's own profile, once it was read; from then on the same on all of one's devices. */
export interface OwnProfile extends Readable<Profile | undefined> {
  load(): Promise<Profile>
  /** What is not given stays as it is. What is kept from others holds when it resolves. */
  change(change: ProfileChange): Promise<Profile>
}

/** One's contacts by list, each by user name. Empty until `loaded`. */
export interface ContactsView extends Readonly<Record<ContactList, readonly ContactItem[]>> {
  readonly loaded: boolean
}

/** Friends, requests and blocks. Each act may be repeated, and gives how the other then stands with one. */
export interface Contacts extends Readable<ContactsView> {
  /** Reads them; from then on they are kept up to date. */
  load(): Promise<void>
  /** Asks for friendship; of two who ask each other both are friends. */
  request(userId: string): Promise<ContactItem>
  accept(userId: string): Promise<ContactItem>
  decline(userId: string): Promise<ContactItem>
  /** Takes back one's own request. */
  cancel(userId: string): Promise<ContactItem>
  /** Ends a friendship. */
  remove(userId: string): Promise<ContactItem>
  /** Neither hears of the other any more but in groups; ends friendship and requests. */
  block(userId: string): Promise<ContactItem>
  unblock(userId: string): Promise<ContactItem>
}

/** What one may want to look at (the bell), the latest first. Empty until `loaded`. */
export interface AlertsView {
  readonly loaded: boolean
  readonly items: readonly AlertItem[]
  /** Of all that there are, also those not loaded. */
  readonly unread: number
  /** There are older ones. */
  readonly more: boolean
}

/** The same on all of one's devices. What names or answers one is read with the message, too. */
export interface Alerts extends Readable<AlertsView> {
  /** Reads the latest; from then on they are kept up to date. */
  load(): Promise<void>
  /** Reads older ones, where there are any. */
  loadMore(): Promise<void>
  /** Marks these as read; without `ids` all up to the latest shown. Shown at once; rejects where it could not be kept. */
  markRead(ids?: readonly string[]): Promise<void>
}

/**
 * Whether this device is pushed to. `none`: it has no push source. `waiting`: it is to be, and the server or the browser's push service
 * could not be reached: it is tried again with the next connection.
 */
export type PushHere = { state: 'none' | 'off' | 'waiting' } | { state: 'on'; deviceId: string }

/** What tells one of messages while no device is in use: pushes to one's devices, and what one has set for all conversations. */
export interface Notifications {
  readonly here: Readable<PushHere>
  /**
   * Has this device pushed to from now on: registered with each start, with a new address when the server's key or the browser's address
   * has changed, until `turnOff` or the end of the session. Whoever signs in here next without a log-out in between takes it over, by a new
   * address. Rejects with `PushRefused` where the device may not or cannot.
   */
  turnOn(): Promise<void>
  turnOff(): Promise<void>
  /** The address may have changed: looks, and registers it. */
  look(): Promise<void>
  /** All devices that one is pushed to, this one among them (`current`). */
  devices(): Promise<DeviceItem[]>
  /** Until it registers again, which a device that is on does with its next start. */
  removeDevice(id: string): Promise<void>
  /** What one has set for all conversations; undefined until it was loaded. */
  readonly preferences: Readable<Preferences | undefined> & {
    load(): Promise<Preferences>
    /** What is not given stays as it is. */
    change(change: Partial<Preferences>): Promise<Preferences>
  }
  /** Why one was told of a message by a push, or was not. Rejects with `not_found` for what one may not see. */
  why(conversationId: string, seq: number): Promise<Why>
  /** Sends oneself a notice by every channel, and says how far each got. */
  test(): Promise<NoticeTest>
}

/** What happens on this device, for tests, notices and logs. Handlers must not throw. */
export interface ClientEvents {
  /** A message entered this device's timeline, from the socket, sync or its own ack; each exactly once per device. */
  message: (message: TimelineMessage) => void
  /** A send was acknowledged. */
  acked: (reply: SendReply) => void
  /** A send was definitely refused. */
  refused: (item: OutboxItem) => void
  receipt: (marks: Marks & { conversationId: string }) => void
  typing: (data: { conversationId: string; userId: string; on: boolean }) => void
  presence: (item: PresenceItem) => void
  /** How someone stands with one changed, by the other or on another device. */
  contact: (item: ContactItem) => void
  /** Something new that one may want to look at. */
  alert: (item: AlertItem) => void
  connection: (state: ConnectionState) => void
  session: (state: SessionState) => void
  /** A list page was applied. */
  synced: (page: SyncPage) => void
}

/** One device of one user. */
export interface ParleyClient {
  readonly session: Readable<SessionState>
  readonly connection: Readable<ConnectionState>
  /** Pinned ones first, then latest activity. Archived ones among them: see `isArchived` in `@parley/protocol/settings`. */
  readonly conversations: Readable<readonly ConversationView[]>
  readonly outbox: Readable<readonly OutboxItem[]>
  readonly presence: Readable<ReadonlyMap<string, PresenceItem>>
  readonly contacts: Contacts
  readonly alerts: Alerts
  readonly people: People
  readonly profile: OwnProfile
  readonly notifications: Notifications

  /** Refusals reject with `ParleyError` (its `problem`); a lost network with `ParleyError` whose problem is `unavailable`. */
  register(input: { username: string; email: string; password: string }): Promise<OwnUser>
  login(input: { email: string; password: string }): Promise<OwnUser>
  /** Signs in again from what this device keeps; undefined when it keeps nothing that is still good. Works offline with what is held. */
  resume(): Promise<OwnUser | undefined>
  /** Ends the session on the server and forgets everything on this device. */
  logout(): Promise<void>
  sessions(): Promise<SessionItem[]>
  renameSession(id: string, name: string): Promise<void>
  revokeSession(id: string): Promise<void>
  revokeOtherSessions(): Promise<void>
  /** Signs every other device out. A wrong `oldPassword` is `validation.failed` with the pointer `/oldPassword`. */
  changePassword(oldPassword: string, newPassword: string): Promise<void>
  /** Mails a link that sets a new password, if there is such an account; resolves alike if not. Nobody need be signed in. */
  askForPassword(email: string): Promise<void>
  /** Sets the password by the secret in that link (its fragment), once, and ends every session. `not_found` for one that is over. */
  resetPassword(token: string, newPassword: string): Promise<void>
  /** Mails a link to the new address. A wrong `password` is `validation.failed` with the pointer `/password`. */
  changeEmail(email: string, password: string): Promise<void>
  /** Makes that address the account's, by the secret in the link. `not_found` for one that is over, `email.taken` where another has it by now. */
  confirmEmail(token: string): Promise<void>
  /**
   * Deletes the account for good, signs out everywhere and forgets everything on this device. One's messages stay without a name, or are
   * deleted for everyone soon after. A wrong `password` is `validation.failed` with the pointer `/password`.
   */
  deleteAccount(password: string, messages: KeepOrErase): Promise<void>
  /**
   * Everything that the server has of one, as it comes: JSON, one value a line (`ExportLine` in `@parley/protocol/export`). Rejects where
   * it breaks off; another one meanwhile is `rate.limited`.
   */
  exportData(): AsyncIterable<Uint8Array>

  /** Connects and stays connected, with jittered backoff, until `disconnect`. */
  connect(): void
  disconnect(): void
  /**
   * Resolves when `live` with everything held that the list tells of, which is read for it, and the outbox empty; rejects when the signal aborts. The list
   * may be moments behind what another device was just acknowledged: that comes over the socket, and where it was told before this one was
   * connected, with the second look at the list, within three seconds.
   */
  settled(signal: AbortSignal): Promise<void>
  /** Ends everything; what is durable stays. */
  close(): Promise<void>

  findUser(username: string): Promise<PublicUser | undefined>
  /**
   * The first ten whose user names begin with `q` (two characters or more), by name, and after them those of whose display names each
   * word of `q` begins a word. May be fewer where very many do not let themselves be found.
   */
  searchUsers(q: string): Promise<PublicUser[]>
  /** Messages, the newest first: see `protocol/search-query.ts` for what `q` may say. Another page, also after an empty one, while there is a `nextCursor`. */
  search(q: string, options?: { cursor?: string; limit?: number }): Promise<SearchPage>
  openDirect(userId: string): Promise<ConversationView>
  createGroup(title: string, memberIds: readonly string[]): Promise<ConversationView>
  renameGroup(conversationId: string, title: string): Promise<void>
  /** What the group is about; empty for nothing. */
  describeGroup(conversationId: string, description: string): Promise<void>
  addMembers(conversationId: string, userIds: readonly string[]): Promise<void>
  removeMember(conversationId: string, userId: string): Promise<void>
  /** Makes an admin, or unmakes one; `owner` hands the group over. */
  setRole(conversationId: string, userId: string, role: Role): Promise<void>
  leave(conversationId: string): Promise<void>
  members(conversationId: string): Promise<NonNullable<ConversationItem['members']>>
  /** A link's code by which people come into a group; for those who lead it. Asked again after a lost reply it is the same invite. */
  createInvite(conversationId: string, terms?: InviteTerms): Promise<InviteItem>
  /** Those in force, the latest last. */
  invites(conversationId: string): Promise<readonly InviteItem[]>
  revokeInvite(conversationId: string, inviteId: string): Promise<void>
  /** What a code invites to; rejects with `not_found` when to nothing. */
  previewInvite(code: string): Promise<InvitePreview>
  /** Takes part from here on; again it is the same conversation. */
  joinByInvite(code: string): Promise<ConversationView>

  /** Pins a message for everybody, or unpins it, as `edit` changes one; which are pinned is in `ConversationView.pinned`. */
  pin(conversationId: string, seq: number, on: boolean): Promise<OutboxItem>
  /** The pinned messages as they are now, the latest pinned last; without a network those that are at hand. */
  pins(conversationId: string): Promise<readonly (MessageEntry & { sender: string })[]>
  /** What is sent from here on disappears so long after it was sent; `null`: it stays. */
  setTimer(conversationId: string, afterMs: number | null): Promise<void>
  /** One page of what one has starred in all conversations, the latest first, as the server has it. */
  starred(cursor?: string): Promise<StarredPage>
  /** What one can set of a conversation for oneself. */
  conversation(conversationId: string): ConversationHandle
  timeline(conversationId: string): Timeline
  /** Resolves when the message is durable in the outbox; the ack comes as an event, and in the timeline. */
  send(to: { conversationId: string } | { receiverId: string }, text: string, extras?: SendExtras): Promise<OutboxItem>
  /** The messages after `seq` `after` that name oneself or everybody, the first ones, ascending. */
  mentions(conversationId: string, after: number): Promise<number[]>
  /**
   * Edit, delete for everyone, set or take back a reaction. Resolves when that is durable in the outbox; it is shown at once,
   * sent behind what was queued before, once, and goes again (with `refused`) when the server definitely refuses it.
   */
  edit(message: MessageRef, text: string): Promise<OutboxItem>
  delete(message: MessageRef): Promise<OutboxItem>
  react(message: MessageRef, emoji: string, on: boolean): Promise<OutboxItem>
  /** Tries a refused message again, or drops it. */
  retry(id: string): Promise<void>
  discard(id: string): Promise<void>
  /** Marks everything up to `seq` as read; merged with other devices' by max; kept while offline. */
  markRead(conversationId: string, seq: number): void
  setTyping(conversationId: string, on: boolean): void
  /** Replaces whom this device watches. */
  watchPresence(userIds: readonly string[]): void
  /** Says whether someone is using this device now (at the start: yes). While one of the user's devices is in use, the others are not pushed to. */
  setActive(active: boolean): void

  on<E extends keyof ClientEvents>(event: E, handler: ClientEvents[E]): () => void
}
