/**
 * The closed set of refusals, the same over HTTP and over the socket (RFC 9457 problem details).
 * No zod here: the SDK and the web client import this file.
 */

/** What a client may act on. The text beside it is for people and may change; the code does not. */
export type FaultCode =
  | 'validation.failed'
  | 'auth.invalid'
  | 'auth.expired'
  | 'origin.refused'
  | 'action.forbidden'
  | 'not_found'
  | 'message.id_conflict'
  | 'name.taken'
  | 'email.taken'
  | 'cursor.expired'
  | 'too_large'
  | 'unsupported'
  | 'idempotency.mismatch'
  | 'rate.limited'
  | 'internal'
  | 'unavailable'

/** HTTP status of each code. */
export const FAULT_STATUS = {
  'validation.failed': 400,
  'auth.invalid': 401,
  'auth.expired': 401,
  'origin.refused': 403,
  'action.forbidden': 403,
  not_found: 404,
  'message.id_conflict': 409,
  'name.taken': 409,
  'email.taken': 409,
  'cursor.expired': 410,
  too_large: 413,
  unsupported: 415,
  'idempotency.mismatch': 422,
  'rate.limited': 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<FaultCode, number>

/** The body of every refusal (`application/problem+json`), and the `error` of a socket ack. */
export interface Problem {
  /** A documented URI of the kind of problem: `urn:parley:problem:<code>`. */
  type: string
  title: string
  status: number
  code: FaultCode
  /** For people; says what to do. Never a cause, a path or a stack. */
  detail: string
  requestId: string
  /** True when the same request may succeed later, unchanged. */
  retryable: boolean
  /** Milliseconds to wait before the retry, when the server knows. */
  retryAfterMs?: number
  /** One line for each thing that is wrong with the input; `pointer` is a JSON Pointer (RFC 6901). */
  errors?: { pointer: string; detail: string }[]
  /** With `auth.invalid`: there is no such account any more, and will never be. */
  deleted?: true
}
