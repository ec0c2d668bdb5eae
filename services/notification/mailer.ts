import type { Locale } from '@parley/protocol/locale'
import type { Mail } from '@parley/protocol/mail'
import type { SecurityEvent } from '@parley/protocol/security'
import type { DigestPart } from './mail/digest-parts.ts'

/** A mail that someone is to get, as the ledger keeps it until it was sent. */
export interface Letter<M = Posted> {
  /** The event's: every copy of one letter has it. */
  id: string
  /** When it was asked for. */
  at: string
  mail: M
  /** The reader's language; English where it is not known. */
  locale?: Locale
}

/** All that a letter may be about. */
export type Posted = Mail | SessionMail | DigestMail | TestMail
export type LetterKind = Posted['kind']

interface To {
  to: string
  username: string
  userId?: string
}

/** Something happened to a session, and it may not have been the account's owner who did it. */
export type SessionMail = To & Omit<Extract<SecurityEvent, { sessionId: string }>, 'sessionId' | 'at'>

/** Says nothing but that it arrived. */
export type TestMail = To & { kind: 'test' }

/** What one has not read: as it is at the moment at which the mail leaves. */
export type DigestMail = To & {
  kind: 'digest'
  parts: DigestPart[]
  /** Conversations that are not among the parts; undefined where nobody counted them. */
  further: number | undefined
  /** Where one says that one wants no more of them, by a POST (RFC 8058). */
  unsubscribe: string
}

/** A way to hand letters over. Two of them: a mail server (`smtp.ts`), and a place to look at (`captured-mail.ts`). */
export interface Mailer extends AsyncDisposable {
  /** Never rejects for what a server says or does not say. Gives up when the signal aborts, which counts as `later`. */
  send(letter: Letter, signal: AbortSignal): Promise<Handover>
  /** `degraded` since the last try until the next, where the server could not be reached or refused us. */
  state(): 'up' | 'degraded'
}

/** What came of handing a letter over. */
export type Handover =
  | { kind: 'taken'; providerId?: string }
  /** Not taken now, or it is not known: to be tried again, as the very same letter. */
  | { kind: 'later'; detail: string }
  /** Refused for good; `address` where nobody can be reached there. */
  | { kind: 'refused'; detail: string; address: boolean }
