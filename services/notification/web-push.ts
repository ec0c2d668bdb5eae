import webpush from 'web-push'
import type { Content } from './push-body.ts'
import { afterOf, nameOf, type PushOutcome, type PushService } from './push-service.ts'
import type { WebPushAddress } from './store/devices.ts'
import type { VapidKeys } from './vapid.ts'

/** Push services take 4,096 bytes at the least, less what encryption adds. */
export const BODY_BYTES = 3_000
const DETAIL = 200

/**
 * The push services of browsers (RFC 8030); what is pushed is encrypted for the browser alone (RFC 8291). Signs as `subject`, an address
 * by which a push service reaches whoever runs this: `https:` or `mailto:`.
 */
export function openWebPush(keys: VapidKeys, subject: string, content: Content): PushService<WebPushAddress> {
  return {
    content,
    bytes: BODY_BYTES,
    async send({ endpoint, p256dh, auth }, { body, topic, urgency, ttlS }, signal) {
      try {
        const request = webpush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, JSON.stringify(body), {
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
