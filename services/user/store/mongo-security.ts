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
  /** Only where nothing came meanwhile: what did is still to be told. */
  async function settle(userId: string): Promise<void> {
    const nothingWaits = { _id: userId, 'security.events.0': { $exists: false } }
    await users.updateOne(nothingWaits, { $unset: { 'security.waiting': '' } })
  }

  return {
    untold: (limit) =>
      attempt(async () => {
        const found = users.find({ 'security.waiting': true }, { projection: { security: 1 } }).limit(limit)
        const waiting = (await found.toArray()).map(({ _id, security }) => ({ _id, events: security?.events ?? [] }))
        // What a process left that died while it told them: else it would take the place of others for ever.
        for (const { _id, events } of waiting) if (events.length === 0) await settle(_id)
        return waiting.flatMap(({ events }) => events).slice(0, limit)
      }),
    told: (events) =>
      attempt(async () => {
        for (const { id, userId } of events) {
          const pull = { $pull: { 'security.events': { id } } } as UpdateFilter<UserDocument>
          await users.updateOne({ _id: userId }, pull)
          await settle(userId)
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
