import { randomUUID } from 'node:crypto'
import type { BusEvent } from '@parley/protocol/events'
import type { SecurityEvent } from '@parley/protocol/security'
import type { Accounts } from './accounts.ts'
import type { Outbox } from './relay.ts'
import type { SecurityStore, StoredSecurityEvent } from './store/security.ts'
import type { Session } from './store/store.ts'

/** Something that just happened to that account. */
export const happened = (
  userId: string,
  kind: 'password.changed' | 'email.changed',
  now: number,
  more: { byLink?: true } = {},
): StoredSecurityEvent => ({
  id: randomUUID(),
  userId,
  at: new Date(now).toISOString(),
  kind,
  ...more,
})

/** Something that just happened to that session. */
export const happenedTo = (
  { id: sessionId, userId, name: device, place }: Session,
  kind: 'session.started' | 'session.reused',
  now: number,
): StoredSecurityEvent => ({
  id: randomUUID(),
  userId,
  at: new Date(now).toISOString(),
  kind,
  sessionId,
  device,
  ...(place !== undefined && { place }),
})

/** Tells the bus of what happened to accounts. Of those that are gone meanwhile nothing is told. */
export function securityOutbox(security: SecurityStore, accounts: Pick<Accounts, 'find'>): Outbox {
  return {
    async waiting(limit) {
      const untold = await security.untold(limit)
      const found = await accounts.find([...new Set(untold.map(({ userId }) => userId))])
      const byId = new Map(found.map((account) => [account.id, account]))
      const gone = untold.filter(({ userId }) => !byId.has(userId))
      if (gone.length > 0) await security.told(gone)
      return untold.flatMap(({ id, ...event }): BusEvent[] => {
        const account = byId.get(event.userId)
        return account ? [noted(id, event, account)] : []
      })
    },
    told: (events) =>
      security.told(
        events.flatMap(({ id, ...event }) =>
          event.type === 'security.noted' ? [{ id, userId: event.data.userId }] : [],
        ),
      ),
  }
}

/** Every copy of one has the same id. */
const noted = (
  id: string,
  event: SecurityEvent,
  { username, email }: { username: string; email: string },
): BusEvent => ({
  id,
  type: 'security.noted',
  version: 1,
  occurredAt: event.at,
  key: id,
  rev: 1,
  data: { ...event, username, email },
})
