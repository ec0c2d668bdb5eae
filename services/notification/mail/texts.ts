import type { Locale } from '@parley/protocol/locale'
import type { LetterKind } from '../mailer.ts'
import { DE } from './de.ts'
import { EN } from './en.ts'

/** What letters say, in one language. Whatever is given to a text may have been chosen by a stranger: who writes it down escapes it. */
export interface LetterTexts {
  greeting: (username: string) => string
  /** `time` is in UTC. */
  until: (time: string) => string
  /** Why one got it, below the line. */
  footer: (origin: string) => string
  letters: Record<LetterKind, { subject: string; text: string; link?: string }>
  session: {
    device: (name: string) => string
    place: (network: string) => string
    /** `time` is in UTC. */
    time: (time: string) => string
    /** Of a device without a name. */
    unnamed: string
  }
  digest: {
    /** `more`: there are at least so many. */
    subject: (count: number, more: boolean) => string
    count: (count: number, more: boolean) => string
    /** Of a conversation that cannot be named. */
    unnamed: string
    from: (names: readonly string[], others: number) => string
    /** Conversations that are not listed; undefined where it is not known how many. */
    further: (count: number | undefined) => string
    open: string
    unsubscribe: string
    /** How often at most, below the line. */
    why: string
  }
  /** The page behind the link that ends the digest. */
  page: {
    title: string
    ask: string
    button: string
    done: string
    again: string
  }
}

/** One entry for each language that letters are written in. */
export const LETTER_TEXTS: Record<Locale, LetterTexts> = { en: EN, de: DE }
