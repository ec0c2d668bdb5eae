import { parse } from '@parley/kit/fault'
import { Id } from '@parley/protocol/ids'
import type { ToldSecurityEvent } from '@parley/protocol/security'
import { z } from 'zod'

const Told = z.looseObject({
  userId: Id,
  at: z.iso.datetime({ offset: true }),
  username: z.string().min(1),
  email: z.string().min(1),
})
const ToldOfSession = z.looseObject({ sessionId: Id, device: z.string() })

/**
 * The event with what every one of its kind has. Throws `validation.failed` for what is none, which is then a dead letter at once: nobody of
 * ours tells it, and no store would ever take it. A kind that this version does not know is left to who reads it.
 */
export function securityEvent(data: ToldSecurityEvent): ToldSecurityEvent {
  parse(Told, data)
  if (data.kind === 'session.started' || data.kind === 'session.reused') parse(ToldOfSession, data)
  return data
}
