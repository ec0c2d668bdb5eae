import { makeIndexes } from '@parley/kit/mongo'
import type { KeepOrErase } from '@parley/protocol/user'
import type { Collection, Db } from 'mongodb'
import type { Deletion } from './deletions.ts'
import { MAIL_INDEXES, type MailFields } from './mongo-mail.ts'
import { SECURITY_INDEXES, type SecurityFields } from './mongo-security.ts'
import type { StoredSecurityEvent } from './security.ts'
import type { Account, RevokeReason, Session } from './store.ts'

/** `ending`: the password was changed by the change `id`, and the sessions but `keep` are on their way out (see `mongo-accounts.ts`). */
export type UserDocument = Omit<Account, 'id'> & {
  _id: string
  unannounced?: true
  ending?: { id: string; keep?: string }
  mail?: MailFields
  security?: SecurityFields
}

/** `ending` is a revocation that is on its way into the control log (see `mongo-control.ts`); for every reader the session is gone. */
export type SessionDocument = Omit<Session, 'id'> & {
  _id: string
  ending?: { at: string; reason: RevokeReason; event?: StoredSecurityEvent }
}

/** `_id` is `n`: the index that every collection has is the one that keeps the log gapless. `subject` keeps a healed entry from being written twice. */
export interface ControlDocument {
  _id: number
  subject: string
  at: string
  kind: 'session.revoked' | 'user.deleted'
  userId: string
  sessionId?: string
  reason?: RevokeReason
  messages?: KeepOrErase
}

/** `before` is there until the deletion is carried out (see `mongo-deletions.ts`). */
export type DeletionDocument = Omit<Deletion, 'userId'> & { _id: string; before?: string }

export interface Collections {
  users: Collection<UserDocument>
  sessions: Collection<SessionDocument>
  control: Collection<ControlDocument>
  deletions: Collection<DeletionDocument>
}

/** The collections with their indexes made. None is sharded: uniqueness of names and addresses is over all of them. Throws when a unique index cannot be made. */
export async function openCollections(db: Db): Promise<Collections> {
  const collections: Collections = {
    users: db.collection('users'),
    sessions: db.collection('sessions'),
    control: db.collection('control'),
    deletions: db.collection('deletions'),
  }
  const { users, sessions, control } = collections
  await makeIndexes('users', () =>
    users.createIndexes([
      { key: { nameKey: 1 }, name: 'name', unique: true },
      { key: { emailKey: 1 }, name: 'email', unique: true },
      { key: { unannounced: 1 }, name: 'unannounced', partialFilterExpression: { unannounced: true } },
      { key: { 'ending.id': 1 }, name: 'ending', partialFilterExpression: { 'ending.id': { $exists: true } } },
      ...MAIL_INDEXES,
      ...SECURITY_INDEXES,
    ]),
  )
  await makeIndexes('sessions', () =>
    sessions.createIndexes([
      { key: { userId: 1 }, name: 'user' },
      { key: { expiresAt: 1 }, name: 'end' },
      { key: { 'ending.at': 1 }, name: 'ending', partialFilterExpression: { 'ending.at': { $exists: true } } },
    ]),
  )
  await makeIndexes('control', () => control.createIndexes([{ key: { subject: 1 }, name: 'subject', unique: true }]))
  return collections
}
