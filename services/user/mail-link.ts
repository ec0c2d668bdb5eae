import { createHmac, timingSafeEqual } from 'node:crypto'
import { TICKET_KINDS, type Ticket, type TicketKind } from './store/mail.ts'

/** Links that are mailed. The secret in one is made of its ticket and a key, so that no store and no outbox ever holds it. */
export interface MailLinks {
  /** The link that uses the ticket; always the same. The secret is in the fragment, which no browser sends to any server. */
  of(ticket: Pick<Ticket, 'userId' | 'kind' | 'id'>): string
  /** The ticket that a secret of ours names; undefined for anything else. Needs no store, so guesses cost nothing. */
  read(kind: TicketKind, token: string): { userId: string; id: string } | undefined
}

/** Pages of the web client. */
const PAGES: Record<TicketKind, string> = { password: '/password/reset', email: '/email/confirm' }
const IDS = 32
const MAC = 32
const FORM = /^[\w-]{87}$/

/** `publicUrl` is the configured origin; nothing that a request says about the host it asked gets into a link (a poisoned one would send the secret elsewhere). */
export function mailLinks(key: Buffer, publicUrl: string): MailLinks {
  const mac = (bytes: Buffer): Buffer => createHmac('sha256', key).update('mail link\0').update(bytes).digest()
  return {
    of({ userId, kind, id }) {
      const bytes = Buffer.concat([Buffer.from([TICKET_KINDS.indexOf(kind)]), idBytes(userId), idBytes(id)])
      return `${publicUrl}${PAGES[kind]}#${Buffer.concat([bytes, mac(bytes)]).toString('base64url')}`
    },
    read(kind, token) {
      if (!FORM.test(token)) return undefined
      const bytes = Buffer.from(token, 'base64url')
      const named = bytes.subarray(0, 1 + IDS)
      if (bytes.length !== 1 + IDS + MAC || named[0] !== TICKET_KINDS.indexOf(kind)) return undefined
      if (!timingSafeEqual(bytes.subarray(1 + IDS), mac(named))) return undefined
      return { userId: idText(named.subarray(1, 17)), id: idText(named.subarray(17)) }
    },
  }
}

const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')
const idText = (bytes: Buffer): string => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
