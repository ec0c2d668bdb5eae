import type { Mail } from '@parley/protocol/mail'

/** A mail that someone is to get, as the ledger keeps it until it was sent. */
export interface Letter {
  /** The event's: every copy of one letter has it. */
  id: string
  /** When it was asked for. */
  at: string
  mail: Mail
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
