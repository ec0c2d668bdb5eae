import type { MailKind } from '@parley/protocol/mail'
import type { Account } from './store.ts'

/** What a link that was mailed lets its holder do, once: set a new password, or make an e-mail address the account's. */
export type TicketKind = 'password' | 'email'

/** The right behind a mailed link. The link's secret is made of it and a key, and is stored nowhere. An account has at most one of each kind. */
export interface Ticket {
  userId: string
  kind: TicketKind
  /** 122 random bits (UUIDv4). */
  id: string
  expiresAt: string
  /** Of the kind `email`: the new address, as typed and in the form by which addresses are the same. */
  email?: string
  emailKey?: string
  /** It was used; kept until it ends, so that a repeat is known as one. */
  spent?: true
}

/** A mail that the bus does not know of yet. */
export interface Letter {
  id: string
  userId: string
  kind: MailKind
  to: string
  username: string
  at: string
  /** Where it has a link: when that ends. `id` is then the ticket's. */
  expiresAt?: string
  /** Of a notice: the address whose mailed link did it. */
  confirmed?: string
}

/** What is done with the account's mail in the same step as something else: a ticket is used, a notice is to be told. */
export interface WithMail {
  /** Only where this ticket is there, unspent and good at `at`. It is spent with it, and every other one of the account goes. */
  ticket?: { id: string; at: string }
  notice?: Letter
}

/**
 * What proved that a link may be mailed: the password that was given, or the address that it goes to. A change of either voids the
 * links that are out; one that was asked for just before, and is granted just after, must not outlast it.
 */
export type AskedAs = Pick<Account, 'passwordHash'> | Pick<Account, 'emailKey'>

/** Notices of one account that wait at once; the oldest goes first. Only an outage of the bus makes any wait. */
export const NOTICES_AT_MOST = 20

export interface MailStore {
  /**
   * Puts the ticket in the place of the account's one of the same kind, and the letter among those to be told; that of the ticket
   * before is told no more. False, and nothing is done, where there is no such account, or not `as` it was when it was asked for.
   */
  grant(ticket: Ticket, letter: Letter, as: AskedAs): Promise<boolean>
  find(userId: string, kind: TicketKind): Promise<Ticket | undefined>
  /** Letters of which the bus does not know, in no promised order. */
  untold(limit: number): Promise<Letter[]>
  /** The bus knows of these. */
  told(letters: readonly Letter[]): Promise<void>
  /** Forgets the tickets that ended before `now`. */
  purge(now: string): Promise<void>
}

export const TICKET_KINDS = ['password', 'email'] as const satisfies readonly TicketKind[]

/** Which letter carries the link of which ticket. */
export const LETTER_OF = { password: 'password.reset', email: 'email.change' } as const satisfies Record<
  TicketKind,
  MailKind
>
export const TICKET_OF: Partial<Record<MailKind, TicketKind>> = {
  'password.reset': 'password',
  'email.change': 'email',
}
