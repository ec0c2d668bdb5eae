import webpush from 'web-push'
import type { WebPushAddress } from './store/devices.ts'
import type { VapidKeys } from './vapid.ts'

/** Hands messages to the push services of browsers (RFC 8030), encrypted for the browser alone (RFC 8291). */
export interface WebPush {
  /** Never rejects for what a push service says or does not say. Gives up when the signal aborts, which counts as `later`. */
  send(address: WebPushAddress, message: PushMessage, signal: AbortSignal): Promise<PushOutcome>
}

export interface PushMessage {
  /** Encrypted; push services take 4,096 bytes of it at the least, less what encryption adds. */
  body: string
  /** For one device, what was not delivered yet gives way to what comes later with the same: at most 32 of base64url. */
  topic: string
  urgency: 'normal' | 'high'
  /** Seconds after which it is not worth delivering any more. */
  ttlS: number
}

export type PushOutcome =
  | { kind: 'taken'; providerId?: string }
  /** Not taken now, or it is not known: to be tried again, not before `afterMs` where it said so. */
  | { kind: 'later'; detail: string; afterMs?: number }
  /** Nothing will ever arrive there again. */
  | { kind: 'gone'; detail: string }
  | { kind: 'refused'; detail: string }

/** Bytes of a message's body that every push service takes. */
export const BODY_BYTES = 3_000
const DETAIL = 200
const MOST_AFTER_MS = 3_600_000

/** Signs as `subject`, an address by which a push service reaches whoever runs this: `https:` or `mailto:`. */
export function openWebPush(keys: VapidKeys, subject: string): WebPush {
  return {
    async send({ endpoint, p256dh, auth }, { body, topic, urgency, ttlS }, signal) {
      try {
        const request = webpush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, body, {
          vapidDetails: { subject, ...keys },
          contentEncoding: 'aes128gcm',
          TTL: ttlS,
          urgency,
          topic,
        })
        const reply = await fetch(endpoint, {
          method: 'POST',
          headers: request.headers as Record<string, string>, // `generateRequestDetails` makes strings and numbers
          body: new Uint8Array(request.body!),
          redirect: 'error',
          signal,
        })
        return outcomeOf(reply, (await reply.text().catch(() => '')).slice(0, DETAIL))
      } catch (error) {
        return { kind: 'later', detail: nameOf(error) }
      }
    },
  }
}

function outcomeOf({ status, headers }: Response, text: string): PushOutcome {
  const detail = `${status} ${text}`.trim()
  if (status >= 200 && status < 300) {
    const location = headers.get('location')
    return location ? { kind: 'taken', providerId: location.slice(0, DETAIL) } : { kind: 'taken' }
  }
  if (status === 404 || status === 410) return { kind: 'gone', detail }
  if (status === 429 || status >= 500) {
    const afterMs = afterOf(headers.get('retry-after'))
    return { kind: 'later', detail, ...(afterMs !== undefined && { afterMs }) }
  }
  return { kind: 'refused', detail }
}

/** `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. */
function afterOf(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(MOST_AFTER_MS, Math.max(0, ms))
}

/** What of an error may be shown: it may have the address in it, which is a secret. */
function nameOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}
