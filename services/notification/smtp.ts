import { createHash } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { isAddress, type MailAddress } from './config.ts'
import { write } from './letter.ts'
import { MAILS_AT_ONCE } from './mail.ts'
import type { Handover, Mailer, Posted } from './mailer.ts'

export interface SmtpOptions {
  /** `smtp:` (TLS where the server offers it; where there is a password, on this machine only without) or `smtps:`. */
  url: string
  from: MailAddress
  /** The web origin of the accounts. */
  origin: string
  /** How long to wait for the server: for a connection and its greeting, and between two answers. */
  connectMs?: number
  answerMs?: number
}

/** Hands letters to a mail server, over connections that are kept for a while. Connects when there is something to send. */
export function smtpMailer({ url, from, origin, connectMs = 10_000, answerMs = 20_000 }: SmtpOptions): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: MAILS_AT_ONCE,
    // Only what has not begun to leave is given to another connection by the library itself.
    maxRequeues: 1,
    idleTimeout: 60_000,
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    dnsTimeout: connectMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(needsTls(url) && { requireTLS: true }),
  })
  // What a connection has to say beside a letter (it was closed while idle) concerns nobody.
  transport.on('error', () => {})
  let reached = true

  return {
    state: () => (reached ? 'up' : 'degraded'),
    async send(letter, signal) {
      const { to } = letter.mail
      if (!isAddress(to))
        return { kind: 'refused', detail: 'This is no address that mail could be sent to', address: true }
      try {
        const info = await transport.sendMail({
          ...write(letter, origin),
          from,
          to: { name: '', address: to },
          envelope: { from: from.address, to: [to] },
          messageId: messageId(letter.id, origin),
          date: new Date(letter.at),
          headers: headersOf(letter.mail),
          disableFileAccess: true,
          disableUrlAccess: true,
          signal,
        })
        reached = true
        return { kind: 'taken', providerId: told(info.response) }
      } catch (error) {
        const handover = handoverOf(error as SmtpError)
        reached = !isOurs(error as SmtpError)
        return handover
      }
    },
    async [Symbol.asyncDispose]() {
      transport.close()
    },
  }
}

/** Nobody answers what a program wrote (RFC 3834); what one can do without says how to end it, at one click too (RFC 2369, RFC 8058). */
const headersOf = (mail: Posted): Record<string, string | { prepared: true; value: string }> => ({
  'Auto-Submitted': 'auto-generated',
  'X-Auto-Response-Suppress': 'All',
  ...('unsubscribe' in mail && {
    // Not folded: some that read it know no folding within a link.
    'List-Unsubscribe': { prepared: true, value: `<${mail.unsubscribe}>` },
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  }),
})

/** Every copy of one letter has the same (RFC 5322, 3.6.4), so that two that left in a crash are one mail to whoever shows it. */
export function messageId(id: string, origin: string): string {
  const local = /^[\w-]{1,64}$/.test(id) ? id : createHash('sha256').update(id).digest('hex')
  const { hostname } = new URL(origin)
  return `<${local}@${/^[\d.]+$/.test(hostname) ? `[${hostname}]` : hostname}>`
}

interface SmtpError extends Error {
  /** Nodemailer's name for what went wrong. */
  code?: string
  responseCode?: number
  response?: string
  command?: string
}

/** Reads what a server answered (RFC 5321, 4.2; RFC 3463). */
function handoverOf(error: SmtpError): Handover {
  const { code, responseCode = 0, response, command } = error
  const detail = told(response ?? error.message)
  const permanent = responseCode >= 500 && responseCode !== 503
  const ofLetter = command === 'RCPT TO' || command === 'DATA'
  if (permanent && ofLetter) {
    const [, status] = /^\d{3}[ -](5\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? []
    const nobody = status
      ? /^5\.1\.[0-36]$|^5\.1\.10$|^5\.2\.1$/.test(status)
      : command === 'RCPT TO' && [550, 551, 553].includes(responseCode)
    return { kind: 'refused', detail, address: nobody }
  }
  // It never came to the server: the address cannot be written in the protocol.
  if (code === 'EENVELOPE' && !responseCode) return { kind: 'refused', detail, address: false }
  return { kind: 'later', detail }
}

/** Whether the server could not be reached, or does not want to know us: nothing that another letter would change. */
const isOurs = ({ responseCode, command }: SmtpError): boolean =>
  !responseCode || !(command === 'RCPT TO' || command === 'DATA')

/** A password goes to another machine over TLS only, unless the URL itself says otherwise. */
function needsTls(url: string): boolean {
  const { protocol, username, hostname, searchParams } = new URL(url)
  const here = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  return (
    protocol === 'smtp:' &&
    username !== '' &&
    !here &&
    !['requireTLS', 'ignoreTLS'].some((name) => searchParams.has(name))
  )
}

/** A server's words as they may be kept: one line, not long, and without the address they are about. */
export const told = (text: string): string =>
  text
    .replace(/<?[^\s<>]+@[^\s<>]+>?/g, '…')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
