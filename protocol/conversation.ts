/**
 * What a conversation and its log look like on the wire. Types only, no zod: the SDK and the web client import this file;
 * parsing of unknown input is in `http.ts` and `socket.ts`.
 *
 * Every change of a conversation is one entry of its log, numbered `rev` 1, 2, 3… without gaps. Messages are also numbered
 * `seq` 1, 2, 3… without gaps. A device applies an entry when `rev` is the last it holds + 1, ignores it when lower, and
 * fetches what lies between when higher.
 */

import type { OwnMark } from './own.ts'
import type { Settings } from './settings.ts'
import type { TimelineEvent } from './timeline-event.ts'
import type { PublicUser } from './user.ts'

export const ROLES = ['owner', 'admin', 'member'] as const
/** A group has one owner, always. In a direct conversation both are members. What each may: `rights.ts`. */
export type Role = (typeof ROLES)[number]

/** What every entry carries. Times are RFC 3339 UTC with milliseconds, by the server's clock. */
interface EntryBase {
  conversationId: string
  /** Position in the log, 1, 2, 3…, gapless. */
  rev: number
  /** Made by the device that caused the entry (messages) or by the server; unique in the conversation. */
  id: string
  /** Who caused it. */
  senderId: string
  createdAt: string
  /** The largest `seq` at this entry (its own, for a message). */
  headSeq: number
  /** The `rev` of the latest change of who may do what (members, roles, timer, revoked invites) at this entry (its own, for such a change). */
  membersRev: number
}

/** What a message may carry besides its text; most carry nothing. Each is given by the sender but for what the server makes of the text. */
export interface MessageExtras {
  /** The `seq` of the message of this conversation that it answers. What that one says is never copied: read it, where one may see it. */
  replyTo?: number
  /** The members that its text names (`mentions.ts`), by the server; each once. */
  mentions?: readonly string[]
  /** It names everybody, and whoever sent it may. */
  mentionsAll?: true
  /** Was said elsewhere before, and passed on. */
  forwarded?: true
  /** When it disappears: from then on it reads as deleted, and its place stays. */
  expiresAt?: string
}

export interface MessageEntry extends EntryBase, MessageExtras {
  kind: 'message'
  /** Position among the messages, 1, 2, 3…, gapless. */
  seq: number
  /** As it is now; empty when the message was deleted. */
  text: string
  /** The latest entry that changed it since: what is read here shows every change up to that one, and none above (`message-change.ts`). */
  changedRev?: number
  /** When it was last edited, and how often. */
  editedAt?: string
  edits?: number
  /** Deleted for everyone: only its place is left. */
  deleted?: true
  /** In the order in which each emoji was first set. */
  reactions?: readonly Reaction[]
}

/** One emoji under a message, and those who set it, in their order; each at most once. */
export interface Reaction {
  emoji: string
  userIds: readonly string[]
}

/** One version of a message's text. */
export interface MessageVersion {
  text: string
  /** When it was sent, or edited into this. */
  createdAt: string
}

export type ChangeEntry = EntryBase &
  (
    | {
        kind: 'created'
        conversationKind: 'direct' | 'group'
        /** Empty for a direct conversation. */
        title: string
        /** Everyone who is in it from the start, the owner of a group first. */
        members: { userId: string; role: Role }[]
      }
    /** Of a direct conversation in which nothing was said: the other one has opened it, too. */
    | { kind: 'opened' }
    /** With `inviteId`: `senderId` came by that invite, and is the only one in `userIds`. */
    | { kind: 'members.added'; userIds: string[]; inviteId?: string }
    /** Removed, or left (`senderId` is then the only one in `userIds`). If the owner goes, the longest-standing admin becomes owner, or else the longest-standing member. */
    | { kind: 'members.removed'; userIds: string[] }
    /** Of one member. Who becomes owner takes that from the former one, who stays as an admin. */
    | { kind: 'members.role'; userId: string; role: Role }
    | { kind: 'renamed'; title: string }
    | { kind: 'described'; description: string }
    /** A link by which people come in; `null`: without an end, for any number. */
    | { kind: 'invite.created'; inviteId: string; expiresAt: string | null; maxUses: number | null }
    | { kind: 'invite.revoked'; inviteId: string }
    /** What is sent from here on disappears so long after it was sent; `null`: never. */
    | { kind: 'timer.changed'; disappearAfterMs: number | null }
    | { kind: 'message.pinned'; seq: number; on: boolean }
    /** By its author. Without `text`: a later entry edited or deleted it again. With it, whom it names now. */
    | { kind: 'message.edited'; seq: number; text?: string; mentions?: readonly string[]; mentionsAll?: true }
    /** For everyone; by its author, or whose role lets them. */
    | { kind: 'message.deleted'; seq: number }
    /** `senderId` set a reaction, or took it back. */
    | { kind: 'message.reacted'; seq: number; emoji: string; on: boolean }
    /** A change of a message that this member may not see; it only takes its `rev`. */
    | { kind: 'message.hidden' }
  )

/** One entry of a conversation's log. */
export type Entry = MessageEntry | ChangeEntry

/** High-water marks of one member (P5): monotonic, `readSeq` <= `deliveredSeq` <= head. */
export interface Marks {
  userId: string
  deliveredSeq: number
  readSeq: number
}

export interface MemberItem {
  userId: string
  /** Empty for who has deleted the account. */
  username: string
  /** As in `PublicUser`; a change of these is no entry of the log. */
  displayName?: string
  colour?: number
  rev?: number
  role: Role
  /** Deleted the account. */
  deleted?: true
}

/** A conversation as one of its members sees it in a list. */
export interface ConversationItem {
  id: string
  kind: 'direct' | 'group'
  /** Title of a group; of a direct conversation the other's user name (one's own when writing to oneself). */
  title: string
  /** What a group is about; absent where nothing is said. */
  description?: string
  /** Head of the log and of the messages. */
  rev: number
  headSeq: number
  membersRev: number
  memberCount: number
  /** All members where there are at most `LIMITS.marksMembers`; else absent: fetch `GET /api/conversations/:id/members`. */
  members?: MemberItem[]
  lastMessage?: MessageEntry & { sender: string }
  /** Messages disappear so long after they were sent; absent where they stay. */
  disappearAfterMs?: number
  /** By `seq`, those that one may see, the latest pinned last; also one that was deleted since. Absent where there are none. */
  pinned?: number[]
  me: {
    role: Role
    deliveredSeq: number
    readSeq: number
    /** Derived from `readSeq`; at most `LIMITS.unreadMax` + 1, which reads as "999+". */
    unread: number
    /** When the first of them disappears, and the count is to be asked for anew; absent where they all stay. */
    unreadUntil?: string
    /** Those of them that name oneself, or everybody, and are not of someone whom one has blocked; counted as far. */
    mentions: number
    /** The first message and the first entry that this member may see (P6: from the join on). */
    fromSeq: number
    fromRev: number
    /** One's own, on all of one's devices; gone when one leaves. */
    settings: Settings
    /** Up to where what one made of messages for oneself goes (`own.ts`): fetch what is above what one has. */
    ownRev: number
  }
  /** The others' marks, where there are at most `LIMITS.marksMembers` members; not of whom either keeps marks back from the other. */
  marks?: Marks[]
}

/** A link by which people come into a group, as those who lead it see it. */
export interface InviteItem {
  id: string
  /** What the link carries. Always the same for one invite. */
  code: string
  createdBy: string
  /** `null`: without an end. */
  expiresAt: string | null
  /** How many it lets in, `null`: any number; and how many came. */
  maxUses: number | null
  uses: number
}

/** What an invite is to, for who has its code. */
export interface InvitePreview {
  title: string
  description?: string
  memberCount: number
  /** One is in it already. */
  joined: boolean
}

/** Left, removed or otherwise gone: forget it. */
export interface ConversationGone {
  id: string
  gone: true
}

/** One page of the list of conversations that changed since a cursor (P4). `cursor` is opaque; `more` says that another page waits. */
export interface SyncPage {
  items: (ConversationItem | ConversationGone)[]
  cursor: string
  more: boolean
}

/** A closed range of a conversation's log, `rev` ascending and dense. `headRev` is the head when it was read. */
export interface LogPage {
  items: Entry[]
  headRev: number
  more: boolean
}

/** The `seq`s of messages that name one. The next page is above `nextAfter`, absent when there is none; a page may have no items before the last. */
export interface MentionsPage {
  items: number[]
  nextAfter?: number
}

/** One page of messages, oldest first. Cursors are opaque; absent where there is nothing further that way. */
export interface MessagePage {
  items: (MessageEntry & { sender: string })[]
  /** What messages of the page answer (`replyTo`), where it is not on the page itself and the asker may see it. */
  quoted?: (MessageEntry & { sender: string })[]
  /** What one made of these messages for oneself; absent where that is nothing. */
  own?: OwnMark[]
  /**
   * What is shown beside these messages, ascending by `rev`; each stands behind the message with its `headSeq`. A page that begins with
   * the window has those before the first message too. Where there are more than `LIMITS.timelineEvents`, the latest. Absent where there are none.
   */
  events?: TimelineEvent[]
  /** Whom the events name, where known; of very many the first. */
  people?: PublicUser[]
  prevCursor?: string
  nextCursor?: string
}

/** One page of what one has starred, the latest first. */
export interface StarredPage {
  items: (MessageEntry & { sender: string })[]
  nextCursor?: string
}
