import type { PushBody } from '@parley/protocol/notification'
import type { Content } from './push-body.ts'
import type { Device, FcmAddress, WebPushAddress } from './store/devices.ts'

/** A way by which pushes reach devices of one kind. What is decided, planned, tried again and kept of it is the same for all: `push.ts`. */
export interface PushService<A extends Device['address']> {
  /** How much of a message leaves by it. */
  readonly content: Content
  /** Bytes of a body, as JSON, that it takes in any case. */
  readonly bytes: number
  /**
   * Hands one push over, at most once: whatever is tried again is tried by the ledger. Never rejects for what is said or not said at
   * the other side. Once the signal aborts nothing leaves any more; that counts as `later`.
   */
  send(address: A, push: Push, signal: AbortSignal): Promise<PushOutcome>
}

/** Those that this service pushes by. FCM is there where the operator has set it up. */
export interface PushServices {
  webpush: PushService<WebPushAddress>
  fcm?: PushService<FcmAddress>
}

export interface Push {
  body: PushBody
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
  /** It will not take this. `suspect` where that may be for the device's sake: after several in a row nothing more is pushed there. */
  | { kind: 'refused'; detail: string; suspect?: true }

const MOST_AFTER_MS = 3_600_000

/** `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. */
export function afterOf(value: string | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(MOST_AFTER_MS, Math.max(0, ms))
}

/** What of an error may be shown: its text may have an address in it, which is a secret. */
export function nameOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}
