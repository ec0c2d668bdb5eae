import type { PushBody, PushedMessage } from '@parley/protocol/notification'
import type { TokenMessage } from 'firebase-admin/messaging'
import type { Push } from '../push-service.ts'
import type { FcmAddress } from '../store/devices.ts'

/** Bytes of a body: FCM and APNs take 4,096 of all that is in a message, where names and text are twice. */
export const BODY_BYTES = 2_000

/** A push as FCM takes it for that device. All of it that names the conversation is the same for each push of the conversation. */
export function messageOf(address: FcmAddress, push: Push, at: number): TokenMessage {
  const { token, platform, form } = address
  const data = dataOf(push.body, form === 'data')
  const words = form === 'notification' ? wordsOf(push.body) : undefined
  switch (platform) {
    case 'android':
      return { token, data, android: android(push, words) }
    case 'ios':
      return { token, data, apns: apns(push, words, at) }
    case 'web':
      return { token, data, webpush: webpush(push, words) }
    default:
      return platform satisfies never
  }
}

interface Words {
  title: string
  body: string
}

/**
 * What the system shows takes the place of what it shows with the same tag. FCM keeps what waits for a device that is away under four
 * collapse keys at most; without one it keeps a hundred messages of data, but of notifications the last one alone.
 */
function android({ body, topic, urgency, ttlS }: Push, words: Words | undefined): NonNullable<TokenMessage['android']> {
  return {
    priority: urgency,
    ttl: ttlS * 1_000,
    ...(words && { collapseKey: topic, notification: { ...words, tag: body.tag } }),
  }
}

/** APNs, as Apple's "Sending notification requests to APNs" names it. What is not shown goes in the background, where Apple wants priority 5. */
function apns({ body, topic, urgency, ttlS }: Push, words: Words | undefined, at: number) {
  const expiration = String(Math.floor(at / 1_000) + ttlS)
  const headers = { 'apns-collapse-id': topic, 'apns-expiration': expiration }
  if (!words)
    return {
      headers: { ...headers, 'apns-push-type': 'background', 'apns-priority': '5' },
      payload: { aps: { contentAvailable: true } },
    }
  return {
    headers: { ...headers, 'apns-push-type': 'alert', 'apns-priority': urgency === 'high' ? '10' : '5' },
    payload: { aps: { alert: words, sound: 'default', threadId: body.tag, mutableContent: true } },
  }
}

function webpush({ body, topic, urgency, ttlS }: Push, words: Words | undefined) {
  return {
    headers: { TTL: String(ttlS), Urgency: urgency, Topic: topic },
    ...(words && { notification: { ...words, tag: body.tag, renotify: true } }),
  }
}

/** The body's fields as texts, since FCM takes nothing else; without what the system says already. */
function dataOf(body: PushBody, withText: boolean): Record<string, string> {
  const fields = Object.entries(body).filter(([name]) => withText || name !== 'text')
  return Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))
}

/** For the system to show, in English: an app that speaks otherwise takes `data`. */
function wordsOf(body: PushBody): Words {
  if ('test' in body) return { title: 'Parley', body: 'Notifications arrive on this device.' }
  const { kind, title = '', sender, text } = body
  const said = text ?? newOf(body)
  if (sender === undefined) return { title: 'Parley', body: said }
  return kind === 'group' ? { title: title || sender, body: `${sender}: ${said}` } : { title: sender, body: said }
}

function newOf({ because, count }: PushedMessage): string {
  switch (because) {
    case 'mention':
      return 'mentioned you'
    case 'reply':
      return 'answered you'
    case 'mention.all':
      return 'mentioned everybody'
    case 'message':
    case undefined:
      return count > 1 ? `${count} new messages` : 'New message'
    default:
      return because satisfies never
  }
}
