import type { AlertKind } from '@parley/protocol/alert'
import type { Reaction } from '@parley/protocol/conversation'
import type { Amendment } from '@parley/sdk/types'

/**
 * What a run saw, in the order in which one process saw it. `at` is milliseconds of one monotonic clock, so that "before" means
 * something across all devices. The checker (`check.ts`) reads nothing else.
 */

/** Content is compared by its text: the harness writes texts that name their message. */
export interface SeenMessage {
  id: string
  conversationId: string
  seq: number
  rev: number
  senderId: string
  text: string
  deleted?: true | undefined
  edits?: number | undefined
  reactions?: readonly Reaction[] | undefined
  /** It names everybody, and whoever sent it may. */
  mentionsAll?: true | undefined
}

/** An alert, as a list or a socket has it. */
export interface SeenAlert {
  id: string
  kind: AlertKind
  at: string
  read: boolean
  /** The latest first, at most three. */
  actors: string[]
  actorCount: number
  conversationId?: string
  seq?: number
  sessionId?: string
}

/** One entry of a conversation's log, as the server tells it at the end. */
export interface LoggedEntry {
  rev: number
  kind: string
  headSeq: number
  /** Of an entry that brings somebody in, and of a message: its time, as the server has it. */
  createdAt?: string
  /** Who caused it. */
  senderId: string
  membersRev: number
  /** Whose membership it changes. */
  userIds?: string[]
  /** Of the creation: as what each is in it. */
  roles?: Readonly<Record<string, string>>
  /** Whom it gives which role. */
  named?: { userId: string; role: string }
  /** For a change of a message: the id that its device made, the message's place, and what it does. */
  change?: { id: string; seq: number; text?: string | undefined; emoji?: string; on?: boolean }
}

export type Event = {
  at: number
} /** A device was told to send. The id is made by it, or by the harness for raw repeats. `online`: it was connected then. */ & (
  | {
      type: 'send'
      device: string
      userId: string
      id: string
      conversationId: string
      text: string
      /** The message that it answers. */
      replyTo?: number
      online: boolean
    }
  /** The harness took a device offline, or let it back. A device is online at first. */
  | { type: 'link'; device: string; online: boolean }
  /** The harness sent another copy of it, over another path, and may get no answer. */
  | { type: 'copied'; id: string }
  /** An acknowledgement arrived. Repeats of one id give several. */
  | { type: 'acked'; device: string; id: string; conversationId: string; seq: number; rev: number; createdAt: string }
  /** A refusal that is not retryable. Definite where no other copy of the message can have been under way. */
  | { type: 'refused'; device: string; id: string; conversationId: string; code: string }
  /** The harness sent an id again with other content, on purpose. */
  | { type: 'forged'; id: string; conversationId: string; text: string; outcome: 'refused' | 'accepted' | 'unknown' }
  /** A device was told to change a message. `id` is the change's own. */
  | {
      type: 'change'
      device: string
      userId: string
      id: string
      conversationId: string
      messageId: string
      action: Amendment
    }
  /** A change left its device's outbox, and was not refused: the server acknowledged it. */
  | { type: 'changed'; device: string; id: string; conversationId: string }
  /** A message entered the timeline of a device. */
  | { type: 'shown'; device: string; userId: string; message: SeenMessage }
  /** The device started anew (its data were dropped): what it showed before may be shown again. */
  | { type: 'wiped'; device: string }
  /** What a device holds of a conversation at a moment, in the order that it renders. */
  | {
      type: 'view'
      device: string
      userId: string
      conversationId: string
      messages: { id: string; seq: number; status: string; mine: boolean }[]
    }
  /** A page that somebody read over REST: the newest messages at that moment. */
  | {
      type: 'page'
      userId: string
      conversationId: string
      startedAt: number
      messages: { id: string; seq: number; text: string; deleted?: true | undefined }[]
    }
  /** A device was told to mark as read. */
  | { type: 'read'; device: string; userId: string; conversationId: string; seq: number }
  /** A device saw marks of somebody (`userId` is whose). */
  | { type: 'marks'; device: string; conversationId: string; userId: string; deliveredSeq: number; readSeq: number }
  /**
   * Somebody asked once for `targetId` to come into a group, to go, or to have another role in it; `status` of the answer, if one
   * came. One who goes by themselves is their own target.
   */
  | {
      type: 'membership'
      what: 'add' | 'remove' | 'role'
      userId: string
      targetId: string
      role?: string
      conversationId: string
      startedAt: number
      status: number | undefined
    }
  /** Somebody asked once for the other of a direct conversation to be blocked, or to be blocked no more. */
  | {
      type: 'block'
      on: boolean
      userId: string
      otherId: string
      conversationId: string
      startedAt: number
      status: number | undefined
    }
  /** Somebody asked once, at that time of the clock, for a link to be mailed. */
  | { type: 'forgot'; to: string; askedAt: number; status: number | undefined }
  /** The mail server took a letter. `writtenAt` is its own date; `answered`: the sender was told. */
  | { type: 'mailed'; to: string; id: string; writtenAt: number; answered: boolean }
  /**
   * A mail about what is unread arrived at the mail server, with the last of the texts that wait in each conversation. `refused`: it was
   * not taken, for good; else it was.
   */
  | {
      type: 'digested'
      to: string
      id: string
      writtenAt: number
      texts: string[]
      answered: boolean
      refused?: boolean
    }
  /** The mail server was asked to take mail for an address, and said that nobody is there. */
  | { type: 'bounced'; to: string }
  /**
   * Somebody's session registered a browser or an app for pushes, under that name, which nothing else had before. `address` is what its
   * push service knows it by. `status` of the answer, if one came.
   */
  | { type: 'registered'; userId: string; name: string; address: string; startedAt: number; status: number }
  /** Its push service knows it no more: the browser has unsubscribed, the app was removed. */
  | { type: 'gone'; address: string }
  /** The push service was asked to push there, and said that it is gone. */
  | { type: 'turned.away'; by: 'push' | 'fcm'; address: string; answered: boolean }
  /**
   * The push service took a push for a browser or an app; it names the newest message that it tells of. `place`: what has two pushes take
   * one place there, so that one is shown. `answered`: the sender was told.
   */
  | {
      type: 'pushed'
      by: 'push' | 'fcm'
      address: string
      conversationId: string
      seq: number
      count: number
      text: string
      place: string
      answered: boolean
    }
  /** A socket of somebody's was told of a change in their alerts. */
  | {
      type: 'alerted'
      userId: string
      rev: number
      unread: number
      items: SeenAlert[]
      gone: string[]
      read?: { ids: string[] } | { upTo: string }
    }
  /** Somebody marked alerts as read that looked so, and with `upTo` all up to that time; `kept`: the server said so. */
  | { type: 'alerts.read'; userId: string; those: { id: string; at: string }[]; upTo?: string; kept: boolean }
  /** A session was revoked: the 2xx arrived. */
  | { type: 'revoked'; sessionId: string }
  /** Something reached a socket of that session, or a request with its token succeeded. */
  | { type: 'reached'; sessionId: string; what: string }
  /** A fault begins or ends. */
  | { type: 'fault'; what: string; target: string; phase: 'begin' | 'end' }
  /** A killed process was started again and was ready. */
  | { type: 'ready'; target: string; tookMs: number }
  /** A process of ours ended without being told to. */
  | { type: 'died'; target: string }
  /** Resident memory of a server process, in bytes. */
  | { type: 'memory'; target: string; bytes: number }
)

/** What the server says once all faults are over and everything is quiet. */
export interface Final {
  /** `digests`: they have not turned mail about unread messages off. */
  people: { userId: string; username: string; email: string; digests: boolean }[]
  conversations: {
    id: string
    kind: 'direct' | 'group'
    /** All messages, ascending. */
    messages: SeenMessage[]
    /** All entries of the log, ascending. */
    log: LoggedEntry[]
    /** Marks of the members of now. */
    marks: { userId: string; deliveredSeq: number; readSeq: number }[]
    members: { userId: string; role: string; fromSeq: number; fromRev: number }[]
    /** Unread of each member, as the server's list says. */
    unread: { userId: string; unread: number }[]
  }[]
  devices: {
    device: string
    userId: string
    /** How long it took to settle after the last fault; undefined if it did not. */
    settledMs: number | undefined
    outbox: number
    /** The newest of the alerts that it shows, and of all how many are unread, where it has loaded them. */
    alerts?: { unread: number; items: SeenAlert[] } | undefined
    conversations: {
      id: string
      unread: number
      hasOlder: boolean
      messages: Omit<SeenMessage, 'conversationId' | 'rev' | 'senderId'>[]
      /** The newest message, as the list shows it. */
      last?: { seq: number; text: string } | undefined
    }[]
  }[]
  /** What people are told when they ask why they were notified of a message, or were not. `pushes`: what became of each. */
  told: {
    userId: string
    conversationId: string
    seq: number
    outcome: 'push' | 'none' | 'waiting'
    code: string
    pushes: { device: string; state: 'waiting' | 'sent' | 'failed' | 'dropped'; text: string }[]
    /** What became of the mail about what was unread then, where it was time for one. */
    mail?: 'waiting' | 'sent' | 'failed' | 'dropped'
  }[]
  /** For the mails about what was unread it was waited, so long that each is there, or its reason. */
  mailAwaited?: boolean
  /** All alerts of each user, the latest first. */
  alerts: { userId: string; rev: number; unread: number; items: SeenAlert[] }[]
  /** With whom each user is friends, or has asked or been asked, as the server tells that user. */
  contacts: { userId: string; otherId: string; status: string }[]
  /** Entries committed and not yet told to the bus, per chat process; undefined where it could not be asked. */
  unrelayed: { target: string; count: number | undefined }[]
  /** Of each conversation, up to which message the bus was seen to tell, where it can be watched. */
  published?: Record<string, number>
}

export interface History {
  seed: number
  shape: string
  events: Event[]
  final: Final
}

/** One broken invariant. `invariant` is its number in the list of reliability invariants, `anomaly` the name that the literature gives it. */
export interface Anomaly {
  invariant: string
  anomaly: string
  detail: string
}
