import type { SecurityEvent } from '@parley/protocol/security'
import type { AuditEntry } from '../store/audit.ts'

/**
 * The entry of what happened to an account; `eventId` is the happening's. Throws for a kind that this version does not know: the bus keeps
 * that as a dead letter, to be given back after an upgrade, and a list that lacks something does not pass for a whole one.
 */
export function ofSecurity(eventId: string, event: SecurityEvent): AuditEntry {
  const kind = kindOf(event)
  const { userId, at } = event
  return {
    ...{ id: `${kind}/${eventId}`, kind, userId, at: Date.parse(at) },
    ...('sessionId' in event && { sessionId: event.sessionId }),
    ...('place' in event && event.place !== undefined && { place: event.place }),
  }
}

function kindOf(event: SecurityEvent): AuditEntry['kind'] {
  switch (event.kind) {
    case 'session.started':
    case 'session.reused':
    case 'email.changed':
      return event.kind
    case 'password.changed':
      return event.byLink ? 'password.reset' : 'password.changed'
    default:
      throw new Error(`What is ${JSON.stringify((event satisfies never as SecurityEvent).kind)}?`)
  }
}
