import type { Bus } from '@parley/kit/bus/bus'
import type { ToldSecurityEvent } from '@parley/protocol/security'
import type { Letter, SessionMail } from '../mailer.ts'
import { securityEvent } from '../security-event.ts'
import type { PlanMail } from './planning.ts'

/** How old a happening may be to be mailed: after that the ledger may have forgotten that it was. */
const TOO_OLD_MS = 14 * 86_400_000

/**
 * Plans a mail for each device that logs in, and for each session that was ended since an old token of it was used: at once, and once
 * however often it is told. A new password or address is mailed by the letters that the user service asks for.
 */
export function subscribeSecurity(needs: {
  bus: Pick<Bus, 'subscribe'>
  plan: PlanMail
  now: () => number
}): Promise<AsyncDisposable> {
  const { bus, plan, now } = needs
  return bus.subscribe('notification.security', async (event) => {
    const { id: eventId } = event
    const data = securityEvent(event.data)
    const mail = mailOf(data)
    const at = now()
    if (!mail || Date.parse(data.at) + TOO_OLD_MS <= at) return
    const id = `security-${eventId}`
    const payload: Letter<SessionMail> = { id, at: data.at, mail }
    const { userId } = data
    await plan({ id: `mail/${id}`, channel: 'mail', userId, plannedAt: at, dueAt: at, payload })
  })
}

function mailOf(event: ToldSecurityEvent): SessionMail | undefined {
  switch (event.kind) {
    case 'session.started':
    case 'session.reused': {
      const { kind, userId, username, email: to, device, place } = event
      return { kind, to, username, userId, device, ...(place !== undefined && { place }) }
    }
    case 'password.changed':
    case 'email.changed':
      return undefined
    default:
      return event satisfies never
  }
}
