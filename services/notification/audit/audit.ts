import { createHash } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { ControlEntry } from '@parley/protocol/events'
import { securityEvent } from '../security-event.ts'
import { type AuditEntry, type AuditKind, type AuditStore, deletedIdOf } from '../store/audit.ts'
import type { Device } from '../store/devices.ts'
import { ofSecurity } from './causes.ts'

/**
 * What happened to accounts, for the operator: each thing once, however often it is told, as long as it is kept. A happening is taken when
 * it is stored: until then the bus, or whoever says it, has it still.
 */
export interface Audit extends AsyncDisposable {
  readonly list: AuditStore['list']
  /** A session is over, as the control log says. */
  sessionRevoked(entry: Extract<ControlEntry, { kind: 'session.revoked' }>): Promise<void>
  /** Somebody registers for their pushes a device that is another's. Called before it is theirs: what fails then is asked for again, and is the same entry. */
  deviceMoves(device: Pick<Device, 'id' | 'userId' | 'registeredAt'>, toUserId: string): Promise<void>
  /** A mail server has said that nobody is where that letter to that user went. */
  addressRefused(deliveryId: string, userId: string): Promise<void>
  /** Removes what is kept no longer, in portions, until none is left or `stopped`. */
  purge(stopped: () => boolean): Promise<void>
}

const PURGED_AT_ONCE = 500

export async function startAudit(needs: {
  store: AuditStore
  bus: Pick<Bus, 'subscribe'>
  /** How long an entry is kept. What is told later than that is not taken in: it would come anew each time. */
  keptMs: number
  /** An entry is in the list that was not. */
  added?: (kind: AuditKind) => void
  now?: () => number
}): Promise<Audit> {
  const { store, bus, keptMs, added, now = Date.now } = needs

  async function note(entry: AuditEntry): Promise<void> {
    // Refused for good: a store that is asked for it would be taken to be away.
    if (!entry.userId || !Number.isSafeInteger(entry.at))
      throw new Fault('validation.failed', `${entry.id} has no account or no time`)
    if (entry.at < now() - keptMs) return
    crashPoint('audit.before-note')
    const isNew = await store.note(entry)
    crashPoint('audit.after-note')
    if (isNew) added?.(entry.kind)
  }

  const subscription = await bus.subscribe('notification.audit', (event) => {
    switch (event.type) {
      case 'user.registered': {
        const { id: userId } = event.data
        const at = Date.parse(event.occurredAt)
        return note({ id: `account.registered/${userId}`, kind: 'account.registered', userId, at })
      }
      case 'user.deleted': {
        const { id: userId, at } = event.data
        return note({ id: deletedIdOf(userId), kind: 'account.deleted', userId, at: Date.parse(at) })
      }
      case 'security.noted':
        return note(ofSecurity(event.id, securityEvent(event.data)))
      default:
        return event satisfies never
    }
  })

  return {
    list: store.list,
    sessionRevoked: ({ sessionId, userId, reason, at }) =>
      note({
        id: `session.revoked/${sessionId}`,
        kind: 'session.revoked',
        userId,
        sessionId,
        reason,
        at: Date.parse(at),
      }),
    deviceMoves({ id, userId, registeredAt }, toUserId) {
      const cause = createHash('sha256').update(`${id}\0${userId}\0${registeredAt}\0${toUserId}`).digest('base64url')
      return note({ id: `device.moved/${cause}`, kind: 'device.moved', userId, toUserId, at: now() })
    },
    addressRefused: (deliveryId, userId) =>
      note({ id: `address.suspended/${deliveryId}`, kind: 'address.suspended', userId, at: now() }),
    async purge(stopped) {
      while (!stopped() && (await store.purge(now() - keptMs, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
    },
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  }
}
