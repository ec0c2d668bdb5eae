import type { AlertNews } from './alert.ts'
import type { ContactItem } from './contact.ts'
import type { ChangeEntry, LogPage, MessageEntry, MessageExtras, SyncPage } from './conversation.ts'
import type { Problem } from './fault.ts'
import type { OwnChanged } from './own.ts'
import type { PersonNews } from './profile.ts'
import type { Settings } from './settings.ts'
import type { PublicUser } from './user.ts'

/**
 * The socket's events, by name. Types only; the server's parse functions are in `requests.ts`.
 * Handshake: Socket.IO with `auth: {token, deviceId?}` and the query `?p=<partition>`.
 */

/** Every client event takes an ack and gets exactly one. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: Problem }

/** `message.send`. `id` is a UUID made by the device before it first sends; the same `id` sent again is the same message (P2). */
export type SendRequest = { id: string; text: string; replyTo?: number; forwarded?: true } & (
  | { conversationId: string }
  | { receiverId: string }
)

/** The facts of a stored message: the ack of a send, equal for every repeat. What a device cannot know of its message itself comes along where there is any. */
export interface SendReply extends Pick<MessageExtras, 'mentions' | 'mentionsAll' | 'expiresAt'> {
  id: string
  seq: number
  rev: number
  createdAt: string
  conversationId: string
}

export interface PresenceItem {
  userId: string
  online: boolean
  /** When the last device went; absent while online or if unknown. */
  lastSeenAt?: string
}

export interface ClientEvents {
  'message.send': (request: SendRequest, ack: (reply: Ack<SendReply>) => void) => void
  /** A device stored everything up to `upToSeq` or can fetch it (P5). */
  'receipt.delivered': (
    request: { conversationId: string; upToSeq: number },
    ack: (reply: Ack<{ deliveredSeq: number; readSeq: number }>) => void,
  ) => void
  'receipt.read': ClientEvents['receipt.delivered']
  'typing.start': (request: { conversationId: string }, ack: (reply: Ack<Record<never, never>>) => void) => void
  'typing.stop': ClientEvents['typing.start']
  /** Replaces the socket's set of watched users; only users one shares a conversation with are told of. */
  'presence.subscribe': (request: { userIds: string[] }, ack: (reply: Ack<{ items: PresenceItem[] }>) => void) => void
  /** Whether the device is in use. One that never says is, as long as it is connected. Nobody is told; while one is in use nothing is pushed to the others. */
  'presence.active': (request: { active: boolean }, ack: (reply: Ack<Record<never, never>>) => void) => void
  /** Without `conversationId`: the conversations changed since `cursor`. With it: its log above `rev`. */
  sync: {
    (request: { cursor?: string; limit?: number }, ack: (reply: Ack<SyncPage>) => void): void
    (request: { conversationId: string; rev: number; limit?: number }, ack: (reply: Ack<LogPage>) => void): void
  }
  /** A new access token of the same session, before the old one ends. */
  'session.refresh': (request: { token: string }, ack: (reply: Ack<{ expiresAt: string }>) => void) => void
}

export interface ServerEvents {
  /** The socket is placed and receives; sync now. */
  hello: (data: { sessionId: string; userId: string; serverTime: string; expiresAt: string }) => void
  /** `sender` is the user name. `clientId` says nothing here: `id` is the device's own. */
  'message.new': (message: MessageEntry & { sender: string }) => void
  /** Any other entry of the log; or `gone` when that of this `rev` has ended one's membership. It may come after one was added again. */
  'conversation.updated': (
    change:
      | { conversationId: string; entry: ChangeEntry; people?: PublicUser[] }
      | { conversationId: string; gone: true; rev: number },
  ) => void
  /** One's own settings of a conversation changed, on this device or another. */
  'conversation.settings': (data: { conversationId: string; settings: Settings }) => void
  /** What one made of messages for oneself changed, on this device or another. Fetch what lies between where the first `rev` is not the next. */
  'message.own': (data: OwnChanged & { conversationId: string }) => void
  'receipt.updated': (data: { conversationId: string; userId: string; deliveredSeq: number; readSeq: number }) => void
  'typing.start': (data: { conversationId: string; userId: string }) => void
  'typing.stop': (data: { conversationId: string; userId: string }) => void
  'presence.changed': (data: PresenceItem) => void
  /** What one sees of a user's profile has changed; of oneself, that one's own has: `viewRev` is then its `rev`. Replaces what is held with a lower one. */
  'user.changed': (view: PersonNews) => void
  /** How another user stands with one has changed. Replaces what is held with a lower `rev`. */
  'contact.changed': (contact: ContactItem) => void
  /** What one is alerted to has changed. Of what came with a lower `rev`, `unread` is not true any more. */
  'alerts.changed': (news: AlertNews) => void
  /** Something may have been missed: sync within a jitter of your own. */
  'sync.hint': (data: Record<never, never>) => void
  'cursor.expired': (data: Record<never, never>) => void
  /** The session is over (P9); the socket closes after this. */
  'session.revoked': (data: { reason: string }) => void
  'session.expired': (data: Record<never, never>) => void
  /** Too slow to read what it is sent (P8); the socket closes after this: reconnect and sync. */
  'slow.consumer': (data: Record<never, never>) => void
  /** The node stops: reconnect after that time (it is jittered per socket). */
  'server.draining': (data: { reconnectAfterMs: number }) => void
}
