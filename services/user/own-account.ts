import { createHash } from 'node:crypto'
import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { BusEvent } from '@parley/protocol/events'
import type { KeepOrErase } from '@parley/protocol/user'
import type { Contacts } from './contacts.ts'
import type { Control } from './control.ts'
import type { OwnPassword } from './own-password.ts'
import type { Outbox } from './relay.ts'
import type { Deletion, DeletionStore } from './store/deletions.ts'
import type { ProfileStore } from './store/profiles.ts'

export interface OwnAccount {
  /**
   * Deletes one's account: from when it resolves nobody finds it and no session of it is good, on every node within two seconds (P9).
   * Contacts and conversations are left soon after, whatever crashes; messages stay or are erased. Throws as `OwnPassword.check`, at `/password`.
   */
  delete(actor: Actor, input: { password: string; messages: KeepOrErase }, address: string): Promise<void>
  /** Whether there was an account of that id which its owner has deleted. */
  wasDeleted(userId: string): Promise<boolean>
}

export function openOwnAccount(needs: {
  ownPassword: Pick<OwnPassword, 'check'>
  control: Pick<Control, 'deleteAccount'>
  deletions: Pick<DeletionStore, 'gone'>
  /** Called when a deletion was stored. */
  deleted: () => void
  now: () => number
}): OwnAccount {
  const { ownPassword, control, deletions, deleted, now } = needs
  return {
    async delete(actor, { password, messages }, address) {
      const account = await ownPassword.check(actor, password, address, '/password')
      const deletion = { userId: account.id, messages, at: new Date(now()).toISOString() }
      if (!(await control.deleteAccount(deletion, account.passwordHash)))
        throw new Fault('auth.invalid', 'The password was changed meanwhile: log in')
      crashPoint('delete.after-commit')
      deleted()
    },
    wasDeleted: async (userId) => (await deletions.gone([userId])).length > 0,
  }
}

/** Takes who is deleted out of everybody's contacts, erases the profile, then tells the bus. All of it may be done again. */
export function deletionOutbox(
  deletions: DeletionStore,
  contacts: Pick<Contacts, 'forget'>,
  profiles: Pick<ProfileStore, 'erase'>,
): Outbox {
  return {
    async waiting(limit) {
      const open = await deletions.open(limit)
      for (const { userId } of open) {
        await contacts.forget(userId)
        await profiles.erase(userId)
      }
      if (open.length > 0) crashPoint('delete.before-told')
      return open.map(userDeleted)
    },
    told: (events) => deletions.finish(events.map(({ key }) => key)),
  }
}

/** Every copy of it has the same id. */
const userDeleted = ({ userId, messages, at }: Deletion): BusEvent => ({
  id: createHash('sha256').update(`deleted:${userId}`).digest('hex').slice(0, 32),
  type: 'user.deleted',
  version: 1,
  occurredAt: at,
  key: userId,
  rev: 2,
  data: { id: userId, messages, at },
})
