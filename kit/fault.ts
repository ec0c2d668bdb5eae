import { FAULT_STATUS, type FaultCode, type Problem } from '@parley/protocol/fault'
import { ZodError, type z } from 'zod'

/**
 * The one error that a rule throws for a refusal. Whoever asked sees `code` and `message`; `cause` is only logged.
 * Anything else that is thrown is a defect and is answered as `internal`.
 */
export class Fault extends Error {
  readonly code: FaultCode
  readonly retryAfterMs: number | undefined
  readonly errors: Problem['errors']
  readonly deleted: true | undefined

  constructor(
    code: FaultCode,
    message: string,
    more: { cause?: unknown; retryAfterMs?: number; errors?: Problem['errors']; deleted?: true } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.retryAfterMs = more.retryAfterMs
    this.errors = more.errors
    this.deleted = more.deleted
  }
}

const RETRYABLE: ReadonlySet<FaultCode> = new Set(['rate.limited', 'unavailable', 'internal', 'auth.expired'])

/** The body of a refusal (RFC 9457). Strangers to us (any other error) become `internal` and say nothing of their cause. */
export function problem(error: unknown, requestId: string): Problem {
  const fault = asFault(error)
  return {
    type: `urn:parley:problem:${fault.code}`,
    title: TITLES[fault.code],
    status: FAULT_STATUS[fault.code],
    code: fault.code,
    detail: fault.message,
    requestId,
    retryable: RETRYABLE.has(fault.code),
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(fault.retryAfterMs) }),
    ...(fault.errors === undefined ? {} : { errors: fault.errors }),
    ...(fault.deleted && { deleted: fault.deleted }),
  }
}

/** The refusal that any thrown value stands for. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof ZodError) return invalid(error)
  return new Fault('internal', 'Something went wrong on our side. Try again later.', { cause: error })
}

/** Is it a defect and no refusal of ours, so that it is not mended by waiting? */
export const isDefect = (error: unknown): boolean => asFault(error).code === 'internal'

/** Parses unknown input, or throws `validation.failed` naming each thing that is wrong (at most 20). */
export function parse<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw invalid(result.error)
}

/**
 * A parse function for what comes often: `compiled` gives what the schema would, or undefined where that refuses.
 * Throws as `parse` does: the schema itself says what is wrong.
 */
export function parser<S extends z.ZodType>(
  schema: S,
  compiled: (input: unknown) => z.output<S> | undefined,
): (input: unknown) => z.output<S> {
  return (input) => compiled(input) ?? parse(schema, input)
}

function invalid(error: ZodError): Fault {
  const errors = error.issues.slice(0, 20).map((issue) => ({
    pointer: issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    detail: issue.message,
  }))
  const first = errors[0]
  return new Fault(
    'validation.failed',
    first ? `${first.pointer || 'The request'}: ${first.detail}` : 'The request is not valid',
    {
      errors,
    },
  )
}

const TITLES: Record<FaultCode, string> = {
  'validation.failed': 'The request is not valid',
  'auth.invalid': 'Not signed in',
  'auth.expired': 'The access token has ended',
  'origin.refused': 'This web origin is not allowed',
  'action.forbidden': 'Not allowed',
  not_found: 'Not found',
  'message.id_conflict': 'That message id is taken',
  'name.taken': 'That user name is taken',
  'email.taken': 'That e-mail address is taken',
  'cursor.expired': 'The cursor has ended: start anew',
  too_large: 'Too large',
  unsupported: 'Not a supported kind of content',
  'idempotency.mismatch': 'That Idempotency-Key was used for something else',
  'rate.limited': 'Too many requests',
  internal: 'Internal error',
  unavailable: 'Not available for the moment',
}
