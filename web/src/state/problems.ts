import type { FaultCode } from '@parley/protocol/fault'
import { ParleyError } from '@parley/sdk/error'
import { strings } from '../strings.ts'

const texts: Partial<Record<FaultCode, string>> = {
  'auth.invalid': strings.problem.login,
  'auth.expired': strings.problem.expired,
  'name.taken': strings.problem.nameTaken,
  'email.taken': strings.problem.emailTaken,
  not_found: strings.problem.notFound,
  'action.forbidden': strings.problem.forbidden,
  too_large: strings.problem.tooLarge,
  'rate.limited': strings.problem.rateLimited,
  unavailable: strings.problem.unavailable,
  internal: strings.problem.internal,
}

/** What a person is told about a refusal: our words where we have them, else the server's. */
export function explain(error: unknown): string {
  if (!(error instanceof ParleyError)) return strings.problem.unknown
  const { problem } = error
  return texts[problem.code] ?? problem.errors?.[0]?.detail ?? problem.detail
}

/** Whether the server could not be reached. */
export const isAway = (error: unknown): boolean => error instanceof ParleyError && error.problem.code === 'unavailable'

/** Whether what one asked with, such as the link in a mail, is good no more. */
export const isOver = (error: unknown): boolean => error instanceof ParleyError && error.problem.code === 'not_found'

/** The refused fields of a form: `/username` becomes `username`. Also places what is taken. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ParleyError)) return {}
  const { problem } = error
  if (problem.code === 'name.taken') return { username: strings.problem.nameTaken }
  if (problem.code === 'email.taken') return { email: strings.problem.emailTaken }
  return Object.fromEntries((problem.errors ?? []).map(({ pointer, detail }) => [pointer.slice(1), detail]))
}
