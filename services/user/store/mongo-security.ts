import { attempt } from '@parley/kit/mongo'
import type { Collection, UpdateFilter } from 'mongodb'
import type { UserDocument } from './mongo-schema.ts'
import { SECURITY_EVENTS_AT_MOST, type SecurityStore, type StoredSecurityEvent } from './security.ts'

/** A part of the account's document, so that a change of the account leaves its event in the same write. */
export interface SecurityFields {
  events?: StoredSecurityEvent[]
  /** Some event waits; an index of nothing else. */
  waiting?: true
}

/** What a change of the account adds to its `$set` and `$push`. */
export const withEvent = (event: StoredSecurityEvent | undefined) =>
  event
    ? {
        set: { 'security.waiting': true },
        push: { 'security.events': { $each: [event], $slice: -SECURITY_EVENTS_AT_MOST } },
      }
    : {}

/** Adds it to its account, if that is there still, and once however often. */
export async function noteEvent(
  users: Collection<UserDocument>,
  event: StoredSecurityEvent | undefined,
): Promise<void> {
  if (!event) return
  const { set, push } = withEvent(event)
  const update = { $set: set, $push: push } as UpdateFilter<UserDocument>
  await users.updateOne({ _id: event.userId, 'security.events.id': { $ne: event.id } }, update)
}

export function mongoSecurity(users: Collection<UserDocument>): SecurityStore {
  return {
    untold: (limit) =>
      attempt(async () => {
        const found = users.find({ 'security.waiting': true }, { projection: { security: 1 } }).limit(limit)
        return (await found.toArray()).flatMap(({ security }) => security?.events ?? []).slice(0, limit)
      }),
    told: (events) =>
      attempt(async () => {
        for (const { id, userId } of events) {
          const pull = { $pull: { 'security.events': { id } } } as UpdateFilter<UserDocument>
          await users.updateOne({ _id: userId }, pull)
          // Only where nothing came meanwhile: what did is still to be told.
          await users.updateOne(
            { _id: userId, 'security.events.0': { $exists: false } },
            { $unset: { 'security.waiting': '' } },
          )
        }
      }),
  }
}

/** For `users`. */
export const SECURITY_INDEXES = [
  {
    key: { 'security.waiting': 1 as const },
    name: 'security_waiting',
    partialFilterExpression: { 'security.waiting': true },
  },
]
