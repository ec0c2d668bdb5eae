import { attempt } from '@parley/kit/mongo'
import type { Collection, Filter, UpdateFilter } from 'mongodb'
import {
  type Letter,
  type MailStore,
  NOTICES_AT_MOST,
  TICKET_KINDS,
  TICKET_OF,
  type Ticket,
  type TicketKind,
  type WithMail,
} from './mail.ts'
import type { UserDocument } from './mongo-schema.ts'
import { withEvent } from './mongo-security.ts'
import type { StoredSecurityEvent } from './security.ts'

/** A part of the account's document, so that a change of the account uses a ticket and leaves a notice in one write. */
export interface MailFields {
  /** Each with its letter until that was told. */
  tickets?: { [K in TicketKind]?: Omit<Ticket, 'userId' | 'kind'> & { letter?: Letter } }
  notices?: Letter[]
  /** Some letter waits; an index of nothing else. */
  waiting?: true
}

const ticketPath = (kind: TicketKind): string => `mail.tickets.${kind}`

/** That the ticket may be used, for the filter of a change. */
export const ticketGood = (kind: TicketKind, ticket: WithMail['ticket']): Filter<UserDocument> =>
  ticket
    ? {
        [`${ticketPath(kind)}.id`]: ticket.id,
        [`${ticketPath(kind)}.expiresAt`]: { $gt: ticket.at },
        [`${ticketPath(kind)}.spent`]: { $exists: false },
      }
    : {}

/** A change of the account with what goes with it: see `WithMail`. */
export function withMail(
  kind: TicketKind,
  set: object,
  { ticket, notice }: WithMail,
  event?: StoredSecurityEvent,
): UpdateFilter<UserDocument> {
  const noted = withEvent(event)
  const push = {
    ...(notice && { 'mail.notices': { $each: [notice], $slice: -NOTICES_AT_MOST } }),
    ...noted.push,
  }
  const gone = TICKET_KINDS.map((one) => (ticket && one === kind ? `${ticketPath(one)}.letter` : ticketPath(one)))
  return {
    $set: {
      ...set,
      ...(ticket && { [`${ticketPath(kind)}.spent`]: true }),
      ...(notice && { 'mail.waiting': true }),
      ...noted.set,
    },
    $unset: Object.fromEntries(gone.map((path) => [path, ''])),
    ...(Object.keys(push).length > 0 && { $push: push }),
  } as UpdateFilter<UserDocument>
}

export function mongoMail(users: Collection<UserDocument>): MailStore {
  return {
    grant: ({ userId, kind, ...ticket }, letter, as) =>
      attempt(async () => {
        const set = { [ticketPath(kind)]: { ...ticket, letter }, 'mail.waiting': true }
        return (await users.updateOne({ _id: userId, ...as }, { $set: set })).matchedCount === 1
      }),

    find: (userId, kind) =>
      attempt(async () => {
        const found = (await users.findOne({ _id: userId }, { projection: { mail: 1 } }))?.mail?.tickets?.[kind]
        if (!found) return undefined
        const { letter: _, ...ticket } = found
        return { userId, kind, ...ticket }
      }),

    untold: (limit) =>
      attempt(async () => {
        const found = users.find({ 'mail.waiting': true }, { projection: { mail: 1 } }).limit(limit)
        const waiting = (await found.toArray()).map(({ _id, mail }) => ({ _id, letters: lettersOf(mail ?? {}) }))
        // What a process left that died while it told them, or what went with its ticket: else it would take the place of others for ever.
        for (const { _id, letters } of waiting)
          if (letters.length === 0) await users.updateOne(nothingWaits(_id), { $unset: { 'mail.waiting': '' } })
        return waiting.flatMap(({ letters }) => letters).slice(0, limit)
      }),

    told: (letters) =>
      attempt(async () => {
        for (const { id, userId, kind } of letters) {
          const path = TICKET_OF[kind] && ticketPath(TICKET_OF[kind])
          if (path) await users.updateOne({ _id: userId, [`${path}.id`]: id }, { $unset: { [`${path}.letter`]: '' } })
          else
            await users.updateOne({ _id: userId }, { $pull: { 'mail.notices': { id } } } as UpdateFilter<UserDocument>)
          // Only where nothing came meanwhile: what did is still to be told.
          await users.updateOne(nothingWaits(userId), { $unset: { 'mail.waiting': '' } })
        }
      }),

    purge: (now) =>
      attempt(async () => {
        for (const path of TICKET_KINDS.map(ticketPath))
          await users.updateMany({ [`${path}.expiresAt`]: { $lt: now } }, { $unset: { [path]: '' } })
      }),
  }
}

const lettersOf = ({ tickets, notices = [] }: MailFields): Letter[] => [
  ...TICKET_KINDS.flatMap((kind) => tickets?.[kind]?.letter ?? []),
  ...notices,
]

const nothingWaits = (userId: string): Filter<UserDocument> => ({
  _id: userId,
  'mail.notices.0': { $exists: false },
  ...Object.fromEntries(TICKET_KINDS.map((kind) => [`${ticketPath(kind)}.letter`, { $exists: false }])),
})

/** For `users`. */
export const MAIL_INDEXES = [
  { key: { 'mail.waiting': 1 }, name: 'mail_waiting', partialFilterExpression: { 'mail.waiting': true } },
  ...TICKET_KINDS.map((kind) => ({
    key: { [`${ticketPath(kind)}.expiresAt`]: 1 as const },
    name: `tickets_${kind}`,
    partialFilterExpression: { [`${ticketPath(kind)}.expiresAt`]: { $exists: true } },
  })),
]
