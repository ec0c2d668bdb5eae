import { FAULT_STATUS, type FaultCode, type Problem } from '@parley/protocol/fault'

/** The one error that the SDK rejects with: what the server refused, or `unavailable` when no answer came. */
export class ParleyError extends Error {
  readonly problem: Problem

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options)
    this.name = 'ParleyError'
    this.problem = problem
  }
}

/** The refusal that this device itself gives, in the server's form. */
export function deviceError(code: FaultCode, detail: string, cause?: unknown): ParleyError {
  const retryable = code === 'unavailable' || code === 'rate.limited' || code === 'internal' || code === 'auth.expired'
  const problem: Problem = {
    type: `urn:parley:problem:${code}`,
    title: detail,
    status: FAULT_STATUS[code],
    code,
    detail,
    requestId: '',
    retryable,
  }
  return new ParleyError(problem, cause === undefined ? undefined : { cause })
}

/** No answer: whether the server did what was asked is not known. */
export const unavailable = (detail: string, cause?: unknown): ParleyError => deviceError('unavailable', detail, cause)

/** Any thrown value as the error it stands for; a stranger is a network that failed us. */
export const asParleyError = (error: unknown): ParleyError =>
  error instanceof ParleyError ? error : unavailable('The server cannot be reached', error)

/** Whether a value from the network has the form of a refusal. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && String(value.code) in FAULT_STATUS
}
