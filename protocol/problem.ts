import { z } from 'zod'
import { FAULT_STATUS, type FaultCode } from './fault.ts'

/** `Problem` as a schema, for the documents: the body of every refusal, and the `error` of an ack. */
export const Problem = z.object({
  type: z.string().describe('`urn:parley:problem:` and the code'),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(FAULT_STATUS) as [FaultCode, ...FaultCode[]]).describe('What a program acts on'),
  detail: z.string().describe('For people: says what to do'),
  requestId: z.string().describe('Also in the header `X-Request-Id`, and in the server’s log'),
  retryable: z.boolean().describe('The same request may succeed later, unchanged'),
  retryAfterMs: z.int().min(0).optional(),
  errors: z.array(z.object({ pointer: z.string().describe('JSON Pointer (RFC 6901)'), detail: z.string() })).optional(),
  deleted: z
    .literal(true)
    .optional()
    .describe('With `auth.invalid`: there is no such account any more, and will never be'),
})

/** What any operation may be refused with, whatever it does; `rate.limited` by the gateway. */
export const ANYWHERE: readonly FaultCode[] = [
  'validation.failed',
  'too_large',
  'unsupported',
  'rate.limited',
  'internal',
  'unavailable',
]
