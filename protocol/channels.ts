import type { z } from 'zod'
import type { FaultCode } from './fault.ts'
import * as replies from './replies.ts'
import {
  PresenceActive,
  PresenceSubscribe,
  Receipt,
  SendMessage,
  SessionRefresh,
  SyncRequest,
  Typing,
} from './requests.ts'
import type { ClientEvents, ServerEvents } from './socket.ts'

/** An event that a client sends, each with an ack. */
export interface ClientEvent {
  summary: string
  data: z.ZodType
  /** `data` of a good ack; several where it depends on what was asked. */
  ack: z.ZodType | readonly z.ZodType[]
  faults: readonly FaultCode[]
}

/** An event that the server tells. */
export interface ServerEvent {
  summary: string
  data: z.ZodType
  /** May be lost on a slow socket; nothing depends on it. */
  ephemeral?: true
  /** The socket is closed after it. */
  last?: true
}

/** What the ack of any event may be refused with. */
export const ANY_EVENT: readonly FaultCode[] = [
  'validation.failed',
  'unsupported',
  'rate.limited',
  'internal',
  'unavailable',
]

/** What a client may say over the socket. */
export const CLIENT_EVENTS = {
  'message.send': {
    summary:
      'Send a message. Make `id` before the first try and repeat until there is an ack: the same id is the same message. A good ack means that it is stored for good.',
    data: SendMessage,
    ack: replies.SendReply,
    faults: ['not_found', 'action.forbidden', 'message.id_conflict'],
  },
  'receipt.delivered': {
    summary: 'This device has stored everything up to there, or can fetch it. The ack is one’s marks as they are now.',
    data: Receipt,
    ack: replies.OwnMarks,
    faults: ['not_found'],
  },
  'receipt.read': {
    summary: 'One has read everything up to there. The ack is one’s marks as they are now.',
    data: Receipt,
    ack: replies.OwnMarks,
    faults: ['not_found'],
  },
  'typing.start': {
    summary: 'One types. Told to the others at most every two seconds; forgotten after six.',
    data: Typing,
    ack: replies.Nothing,
    faults: ['not_found'],
  },
  'typing.stop': { summary: 'One types no more.', data: Typing, ack: replies.Nothing, faults: ['not_found'] },
  'presence.subscribe': {
    summary:
      'Watch these users instead of those before. Whoever one shares no conversation with, and is no friend of, is left out of the ack, and not told of.',
    data: PresenceSubscribe,
    ack: replies.PresenceItems,
    faults: [],
  },
  'presence.active': {
    summary:
      'Whether this device is in use (it is, until it says otherwise): while one of one’s devices is, nothing is pushed to the others. Nobody else is told.',
    data: PresenceActive,
    ack: replies.Nothing,
    faults: [],
  },
  sync: {
    summary: 'Without `conversationId` the conversations changed since `cursor`; with it, its log above `rev`.',
    data: SyncRequest,
    ack: [replies.SyncPage, replies.LogPage],
    faults: ['not_found', 'cursor.expired'],
  },
  'session.refresh': {
    summary: 'A new access token of the same session, before the old one ends.',
    data: SessionRefresh,
    ack: replies.Refreshed,
    faults: ['auth.invalid', 'auth.expired'],
  },
} as const satisfies Record<keyof ClientEvents, ClientEvent>

/** What the server may tell. Not `cursor.expired`, which devices know how to take: as things are it is a refusal of `sync`, and never an event. */
export const SERVER_EVENTS = {
  hello: { summary: 'The socket is placed, and hears everything from now on: sync.', data: replies.Hello },
  'message.new': { summary: 'A message in one of one’s conversations.', data: replies.NamedMessage },
  'conversation.updated': {
    summary: 'Any other entry of a conversation’s log; or `gone`, when one is no longer a member from that `rev` on.',
    data: replies.ConversationUpdate,
  },
  'conversation.settings': {
    summary: 'One’s own settings of a conversation changed, on this device or another.',
    data: replies.SettingsUpdate,
  },
  'message.own': {
    summary: 'What one made of messages for oneself (starred, hidden) changed, on this device or another.',
    data: replies.OwnUpdate,
  },
  'user.changed': {
    summary:
      'What one sees of the profile of a watched user has changed, or one’s own has (`viewRev` is then its `rev`). Told at most once a second. Or the account was deleted.',
    data: replies.PersonNews,
  },
  'contact.changed': {
    summary: 'How one stands with another user has changed. Replaces what is held with a lower `rev`.',
    data: replies.ContactItem,
  },
  'alerts.changed': {
    summary:
      'What one is alerted to has changed: new alerts, or some were read, on this device or another, or are gone. A hint: read them when connecting.',
    data: replies.AlertNews,
  },
  'receipt.updated': {
    summary: 'A member’s marks rose, one’s own on another device too.',
    data: replies.ReceiptUpdate,
  },
  'typing.start': { summary: 'Someone types.', data: replies.TypingUpdate, ephemeral: true },
  'typing.stop': { summary: 'Someone types no more.', data: replies.TypingUpdate, ephemeral: true },
  'presence.changed': { summary: 'A watched user came or went.', data: replies.PresenceItem, ephemeral: true },
  'sync.hint': {
    summary: 'Something may have been missed: sync, after a moment of one’s own choice.',
    data: replies.Nothing,
  },
  'session.revoked': { summary: 'The session is over: log in.', data: replies.Revoked, last: true },
  'session.expired': {
    summary: 'The access token ended: refresh it, then connect.',
    data: replies.Nothing,
    last: true,
  },
  'slow.consumer': {
    summary: 'The client reads too slowly: connect again, then sync.',
    data: replies.Nothing,
    last: true,
  },
  'server.draining': { summary: 'The node stops: connect again after that time.', data: replies.Draining, last: true },
} as const satisfies Record<Exclude<keyof ServerEvents, 'cursor.expired'>, ServerEvent>
