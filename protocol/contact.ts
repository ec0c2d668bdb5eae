import { z } from 'zod'
import { Id } from './ids.ts'
import { LIMITS } from './limits.ts'

/** How one user stands with another, as the first of them sees it. Says nothing of whether the other has blocked one. */
export interface ContactItem {
  userId: string
  username: string
  /** As in `PublicUser`, when this was made; no change of these raises `rev`. */
  displayName?: string
  colour?: number
  /** `incoming`: the other has asked and waits for one's answer. `outgoing`: one has asked. */
  status: 'none' | 'incoming' | 'outgoing' | 'friends'
  /** One has blocked the other. */
  blocked: boolean
  /** Rises with each change of this item as one sees it: of two, the higher is true. 0: nothing ever was. */
  rev: number
  /** When it changed last; absent where nothing ever was. */
  changedAt?: string
}

/** The lists of `GET /api/user/contacts`. */
export const CONTACT_LISTS = ['friends', 'incoming', 'outgoing', 'blocked'] as const
export type ContactList = (typeof CONTACT_LISTS)[number]

/** A page of one list, in a fixed order that no change moves. */
export interface ContactPage {
  items: ContactItem[]
  nextCursor?: string
}

/**
 * Two users as the bus tells of them: the whole state of the pair at its `rev` (the envelope's), so that the highest is all one needs.
 * `low` has the lesser id.
 */
export interface ContactPair {
  low: ContactSide
  high: ContactSide
}

export interface ContactSide {
  userId: string
  /** This one blocks the other. */
  blocks: boolean
  /** What this one sees of the other, but the name. */
  view: Pick<ContactItem, 'status' | 'blocked' | 'rev' | 'changedAt'>
  /** `view` has changed since this side was told last: tell its devices. */
  tell: boolean
  /** Of friends: this one has accepted, as the other asked first. Absent on both where that is not known. */
  accepted?: true
}

export const ContactsQuery = z.object({
  list: z.enum(CONTACT_LISTS).default('friends'),
  after: Id.optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((n) => Math.min(n, LIMITS.pageMax))
    .default(LIMITS.pageDefault),
})
