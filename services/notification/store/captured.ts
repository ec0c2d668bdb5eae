import type { LetterKind } from '../mailer.ts'

/** Mail that nobody sends: the last 200, and of each link only until that has ended. */
export interface CapturedStore {
  /** Keeps it; a letter of the same id stays as it is. The oldest beyond 200 go. */
  add(letter: CapturedLetter, now: number): Promise<void>
  /** The latest first. Links that have ended at `now` are forgotten before it is answered. */
  list(now: number): Promise<CapturedLetter[]>
}

/** As it came, without the link once that has ended. */
export interface CapturedLetter {
  id: string
  at: string
  to: string
  username: string
  kind: LetterKind
  /** With its text, where that is all there is to it. */
  subject?: string
  text?: string
  link?: string
  expiresAt?: string
}

export const CAPTURED_AT_MOST = 200
