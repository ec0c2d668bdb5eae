import type { Locale } from './locale.ts'
import type { Level } from './settings.ts'

/** What the notification service says of itself and of what it told whom. Types only. */

/** A device that is pushed to, as its user sees it. */
export interface DeviceItem {
  id: string
  kind: 'webpush' | 'fcm'
  /** As it named itself; may be empty. */
  name: string
  registeredAt: string
  /** It was registered by the session that asks. */
  current: boolean
}

/** What a browser registers with for Firebase Cloud Messaging: the operator's web app there, and the key of its Web Push certificate. */
export interface FcmWebConfig {
  apiKey: string
  projectId: string
  messagingSenderId: string
  appId: string
  /** The `applicationServerKey` (RFC 8292), base64url. */
  vapidKey: string
}

/** What devices are pushed to by. */
export interface PushKeys {
  /** What a browser subscribes with (RFC 8292), where there is no `fcmWeb`. */
  publicKey: string
  /** Whether apps may register for Firebase Cloud Messaging. */
  fcm: boolean
  /** Where it is there, browsers register by it instead. */
  fcmWeb?: FcmWebConfig
}

/** What a user has set for all conversations. What is set for one conversation is the chat service's (`Settings`). */
export interface Preferences {
  /** Of what one is told where the conversation's own level says `all`. `mentions`: in groups of mentions and replies only, in direct conversations of everything. */
  level: Level
  /** To registered devices, at all. */
  push: boolean
  /** RFC 3339; nothing is pushed until then. `null`: it is not set. */
  doNotDisturbUntil: string | null
  quietHours: QuietHours | null
  /** A mail about what has waited unread for a while. Mail about the safety of the account always comes. */
  digest: boolean
  /** What mail is written in. */
  locale: Locale
}

/** Each day between these times of the user's own clock nothing is pushed. `from` after `to`: over midnight; both the same: the whole day. */
export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59. */
  from: string
  to: string
  /** A name of the IANA time zone database, such as `Europe/Berlin`. */
  timeZone: string
}

/** What became of the push to one device. */
export interface PushedItem {
  /** The device's name; empty where it has none, or is not registered any more. */
  device: string
  state: 'waiting' | 'sent' | 'failed' | 'dropped'
  /** In words. */
  text: string
  /** When it was sent or given up; of one that waits, when it is tried next. */
  at: string
}

/** Why one was told of a message by a push, or was not. */
export interface Why {
  conversationId: string
  seq: number
  /** `waiting`: it was not decided yet. */
  outcome: 'push' | 'none' | 'waiting'
  /** For programs: what made it worth a push, or why there was none. Absent while it waits. */
  code?: string
  /** In words. */
  text: string
  /** When it was decided. */
  at?: string
  /** The pushes to one's devices. Absent where there are none. */
  pushes?: PushedItem[]
  /** What became of the mail about what was unread then. Absent where none was to be, or it is not time yet. */
  mail?: Omit<PushedItem, 'device'>
}

/** What became of a notice that one sent oneself to see whether notices arrive: the way that it takes, step by step. */
export interface NoticeTest {
  id: string
  steps: NoticeTestStep[]
}

export interface NoticeTestStep {
  /** What holds notices back; the devices that there are; what one channel did. */
  step: 'settings' | 'devices' | 'push' | 'mail'
  /** `held`: messages would not go any further now, as one has set. `waiting`: it is tried again. */
  state: 'good' | 'held' | 'waiting' | 'bad'
  /** In words. */
  text: string
  /** Of `push`: the device's name, which may be empty, and whether it was registered by the session that asks. */
  device?: string
  current?: boolean
}

/**
 * What a push says to the device that it is for: to a browser's service worker (`web/src/worker`) as JSON, encrypted for it alone; to an app
 * each field as a text, as the `data` of an FCM message (without `text` where the system has shown that).
 */
export type PushBody = PushedMessage | PushedTest

/** What is new in one conversation. The device shows one notice for each `tag`, in the place of the one before. */
export interface PushedMessage {
  v: 1
  tag: string
  conversationId: string
  /** The newest of the messages that it tells of, and how many they are. */
  seq: number
  count: number
  /** Absent as far as not so much is to be said. */
  kind?: 'direct' | 'group'
  /** Of a group. */
  title?: string
  sender?: string
  text?: string
  because?: 'mention' | 'reply' | 'mention.all' | 'message'
}

/** Says nothing but that it arrived; `test` is the `NoticeTest`'s id. */
export interface PushedTest {
  v: 1
  tag: 'test'
  test: string
}
