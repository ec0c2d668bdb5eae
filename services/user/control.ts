import { randomUUID } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Deletion } from './store/deletions.ts'
import type { StoredSecurityEvent } from './store/security.ts'
import type { PasswordChange, RevokeReason, UserStore } from './store/store.ts'

export interface Control {
  /** Ends a session on every node within two seconds (P9). Durable when it resolves; false if it was no live session of that user. `event` is stored with it, to be told. */
  revoke(userId: string, sessionId: string, reason: RevokeReason, event?: StoredSecurityEvent): Promise<boolean>
  /** Changes the password and ends the other sessions as `revoke` does; false if the password was changed meanwhile. */
  setPassword(userId: string, change: PasswordChange): Promise<boolean>
  /** Deletes the account, and ends all it could do, as `revoke` does; false if the password is not that any more. */
  deleteAccount(deletion: Deletion, before: string): Promise<boolean>
  read: UserDirectory['control']
}

/** The control log, which the nodes read by cursor. The bus only tells them to read at once: when it is away they still do, a little later. */
export function openControl({ store, bus, log }: { store: UserStore; bus: Bus; log: Log }): Control {
  // At most one hint is under way, and at most one waits: a hint names the head, so the latest says all.
  let telling = false
  let again = false

  async function tell(): Promise<void> {
    again = true
    if (telling) return
    telling = true
    while (again) {
      again = false
      await hint().catch((error: Error) => log.debug({ cause: error.message }, 'control hint not published'))
    }
    telling = false
  }

  async function hint(): Promise<void> {
    const n = await store.control.head()
    const id = randomUUID()
    const occurredAt = new Date().toISOString()
    await bus.publish({ id, type: 'control.appended', version: 1, occurredAt, key: 'control', rev: n, data: { n } })
  }

  return {
    async revoke(userId, sessionId, reason, event) {
      const done = await store.sessions.revoke(userId, sessionId, reason, event)
      if (done) void tell()
      return done
    },
    async setPassword(userId, change) {
      const done = await store.users.setPassword(userId, change)
      if (done) void tell()
      return done
    },
    async deleteAccount(deletion, before) {
      const done = await store.deletions.begin(deletion, before)
      if (done) void tell()
      return done
    },
    async read(after, limit) {
      const entries = await store.control.read(after, limit)
      return { entries, head: await store.control.head() }
    },
  }
}
