import { LIMITS } from '@parley/protocol/limits'
import { strings } from '../strings.ts'

/** From how many characters left on the writer is told. */
const NEAR_THE_END = 500

/** Whether a text may be sent, and what to say about its length. The server decides by the same rules. */
export interface TextCheck {
  sendable: boolean
  /** Shown near the end and above it. */
  note?: string
  over: boolean
}

/** Checks a text against the limits of one message. */
export function checkText(text: string): TextCheck {
  const sendable = /[^\s\p{Cf}\p{Cc}]/u.test(text)
  // A text of so few UTF-16 units cannot be near either limit: nothing to count on each key.
  if (text.length < LIMITS.textBytes / 4 - NEAR_THE_END) return { sendable, over: false }
  const left = LIMITS.textCodePoints - codePoints(text)
  if (left < 0) return { sendable: false, over: true, note: strings.composer.over(-left) }
  if (new TextEncoder().encode(text).length > LIMITS.textBytes)
    return { sendable: false, over: true, note: strings.composer.tooLong }
  return left <= NEAR_THE_END ? { sendable, over: false, note: strings.composer.left(left) } : { sendable, over: false }
}

/** Characters as the server counts them: an emoji of one code point is one. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
