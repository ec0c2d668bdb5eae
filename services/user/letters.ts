import { randomUUID } from 'node:crypto'
import type { BusEvent } from '@parley/protocol/events'
import type { Mail } from '@parley/protocol/mail'
import { v4 } from 'uuid'
import type { MailLinks } from './mail-link.ts'
import type { Outbox } from './relay.ts'
import { LETTER_OF, type Letter, type MailStore, TICKET_OF, type Ticket, type TicketKind } from './store/mail.ts'
import type { Account } from './store/store.ts'

const LINK_LASTS_MS = 30 * 60_000

/** A new ticket of the account, good for 30 minutes, and the letter with its link: to the new address where it is about one, else to the account's own. */
export function ticketFor(
  account: Account,
  kind: TicketKind,
  now: number,
  address?: { email: string; emailKey: string },
): { ticket: Ticket; letter: Letter } {
  const expiresAt = new Date(now + LINK_LASTS_MS).toISOString()
  const ticket: Ticket = { userId: account.id, kind, id: v4(), expiresAt, ...address }
  const to = address?.email ?? account.email
  const at = new Date(now).toISOString()
  const letter: Letter = {
    id: ticket.id,
    userId: account.id,
    kind: LETTER_OF[kind],
    to,
    username: account.username,
    at,
    expiresAt,
  }
  return { ticket, letter }
}

/** A letter that tells of something, to the address that the account has now; `confirmed` is the address whose mailed link did it. */
export function notice(
  account: Account,
  kind: 'password.changed' | 'email.changed',
  now: number,
  confirmed?: string,
): Letter {
  const { id: userId, email: to, username } = account
  const at = new Date(now).toISOString()
  return { id: randomUUID(), userId, kind, to, username, at, ...(confirmed !== undefined && { confirmed }) }
}

/** Tells the bus of every letter. A link is made only here, on its way; one that has ended meanwhile is not told. */
export function mailOutbox(mail: MailStore, links: MailLinks, now: () => number): Outbox {
  const letters = new Map<string, Letter>()
  return {
    async waiting(limit) {
      const untold = await mail.untold(limit)
      const time = new Date(now()).toISOString()
      const over = untold.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= time)
      if (over.length > 0) await mail.told(over)
      letters.clear()
      for (const letter of untold) if (!over.includes(letter)) letters.set(letter.id, letter)
      return [...letters.values()].map((letter) => mailRequested(letter, links))
    },
    told: (events) => mail.told(events.map(({ id }) => letters.get(id)!)),
  }
}

/** Every copy of one letter has the same id. */
const mailRequested = (letter: Letter, links: MailLinks): BusEvent => ({
  id: letter.id,
  type: 'mail.requested',
  version: 1,
  occurredAt: letter.at,
  key: letter.id,
  rev: 1,
  data: mailOf(letter, links),
})

function mailOf({ kind, to, username, userId, id, expiresAt, confirmed }: Letter, links: MailLinks): Mail {
  const ticket = TICKET_OF[kind]
  const link = ticket && { link: links.of({ userId, kind: ticket, id }), expiresAt }
  return { kind, to, username, userId, ...link, ...(confirmed !== undefined && { confirmed }) } as Mail // of a kind that has a link exactly where there is a ticket
}
