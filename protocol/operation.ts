import type { z } from 'zod'
import type { FaultCode } from './fault.ts'

/** One route of the public HTTP interface, as the document tells it. */
export interface Operation {
  /** Its name in generated clients. */
  name: string
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With `{names}` where it has parameters. */
  path: string
  /** The chapter it is listed in. */
  tag: string
  summary: string
  /** What one must know beside the summary; more than a sentence or two belongs elsewhere. */
  description?: string
  /** Who may call it. `Anyone` needs no access token. */
  who: 'Anyone' | 'Signed in' | 'Member' | 'Owner' | 'Owner or admin' | 'Holder of a refresh token'
  query?: z.ZodObject
  body?: z.ZodType
  /** The body may be left out. */
  bodyOptional?: true
  /** Takes the header `Idempotency-Key`: anything visible, or a UUID. */
  idempotencyKey?: true | 'UUID'
  /** By status; null where there is no body, text where it is no JSON. */
  replies: {
    readonly [status: number]: z.ZodType | 'text/html' | 'text/css' | 'application/json' | 'application/x-ndjson' | null
  }
  /** Beside those that any operation may be refused with. */
  faults?: readonly FaultCode[]
}

/** Those of a token. */
export const SIGNED_IN: readonly FaultCode[] = ['auth.invalid', 'auth.expired']
