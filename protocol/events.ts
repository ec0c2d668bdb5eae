import type { AlertNews } from './alert.ts'
import type { ContactPair } from './contact.ts'
import type { Entry } from './conversation.ts'
import type { Mail } from './mail.ts'
import type { Privacy, ProfileView } from './profile.ts'
import type { ToldSecurityEvent } from './security.ts'
import type { KeepOrErase, PublicUser } from './user.ts'

/**
 * The closed union of events on the bus. At least once, in no order: a consumer ignores older `rev`s of a `key`, or keeps a ledger.
 * Add a field freely; change the meaning of one only with a new `version`.
 */
export type BusEvent = BusEnvelope &
  (
    | { type: 'user.registered'; data: PublicUser }
    /** A user's profile changed: the whole of what others may see, and what the chat service keeps to. `rev` counts all changes of it. */
    | { type: 'user.changed'; data: PersonChange }
    /** Who is deleted is nobody any more; of the two events of a user this one is true, in whatever order they come. */
    | { type: 'user.deleted'; data: { id: string; messages: KeepOrErase; at: string } }
    /** What is between two users changed (requests, friendship, blocks). `key` is both ids, the lesser first. */
    | { type: 'contact.changed'; data: ContactPair }
    /** Someone is to get a mail. `key` and `id` are this mail's, so every copy of it is one mail. Never logged: it may hold a secret. */
    | { type: 'mail.requested'; data: Mail }
    /** Something happened to an account that its owner should hear of. `key` and `id` are this happening's. Never logged: it holds an address. */
    | { type: 'security.noted'; data: ToldSecurityEvent }
    /** The user service's control log grew up to `n`: read it (P9). */
    | { type: 'control.appended'; data: { n: number } }
    /**
     * Messages were committed in these conversations, in each up to `seq`. One event tells of all that were relayed together, in no number
     * and without their texts: whoever needs them reads them, as they are then. It is of no one `key`, and has no `rev`. `senderIds`: who
     * sent any of those that were relayed together, each once. `fromSeq`: the first of them in that conversation.
     */
    | {
        type: 'messages.created'
        data: { conversations: { conversationId: string; seq: number; fromSeq?: number }[]; senderIds?: string[] }
      }
    /**
     * Among these messages are such that name somebody, or answer a message: at these `seq`s, ascending. One event for all that were
     * relayed together.
     */
    | { type: 'messages.addressed'; data: { conversationId: string; seqs: readonly number[] } }
    /** Any other entry was committed. */
    | { type: 'conversation.changed'; data: Exclude<Entry, { kind: 'message' }> }
    /** What the user `key` is alerted to has changed; `rev` counts all changes of it. */
    | { type: 'alerts.changed'; data: AlertNews }
  )

export interface PersonChange {
  person: PublicUser
  /** What each kind of onlooker sees beside `person`; each with its own count of changes. */
  views: Record<'friend' | 'other', Omit<ProfileView, keyof PublicUser>>
  privacy: Privacy
}

export interface BusEnvelope {
  /** Unique; equal for every copy of one event. */
  id: string
  version: 1
  occurredAt: string
  /** What `rev` counts within: a conversation, a user. */
  key: string
  rev: number
  /** W3C trace context, when the cause had one. */
  traceparent?: string
}

export type BusEventType = BusEvent['type']

/** The durable subscriptions, and what each takes. The bus declares their queues before anything is published, so that nothing is lost before a service's first start. */
export const SUBSCRIPTIONS = {
  'chat.users': ['user.registered', 'user.changed'],
  'chat.departures': ['user.deleted'],
  'notification.mail': ['mail.requested'],
  'notification.messages': ['messages.created'],
  'notification.security': ['security.noted'],
  'notification.analytics': ['messages.created', 'user.registered', 'security.noted'],
  'notification.audit': ['user.registered', 'user.deleted', 'security.noted'],
  'notification.alerts': ['messages.addressed', 'conversation.changed', 'contact.changed', 'security.noted'],
} as const satisfies Record<string, readonly BusEventType[]>

export type SubscriptionName = keyof typeof SUBSCRIPTIONS

/** One line of the user service's control log: what every node must know of within two seconds (P9). `n` is 1, 2, 3…, gapless. */
export type ControlEntry = { n: number; at: string } & (
  | { kind: 'session.revoked'; userId: string; sessionId: string; reason: 'logout' | 'revoked' | 'reused' | 'password' }
  | { kind: 'user.deleted'; userId: string; messages: KeepOrErase }
)
