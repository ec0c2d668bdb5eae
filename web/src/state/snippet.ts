import { type Range, rangesOf } from '@parley/protocol/fold'

/** A piece of a text, and whether it is what was looked for. */
export interface Piece {
  text: string
  found: boolean
}

/** Where the folded terms are in a title or name. */
export const marksIn = (text: string, terms: readonly string[]): Range[] => rangesOf(text, terms)

/** So much stands before the first thing that was found, and so much is shown in all. */
const BEFORE = 30
const LENGTH = 160

/** A text in pieces, where `ranges` of it were found; a long one is cut around the first. Never within a character. */
export function snippet(text: string, ranges: readonly Range[]): Piece[] {
  const from = startAt(text, Math.max(0, (ranges[0]?.[0] ?? 0) - BEFORE))
  const to = startAt(text, Math.min(text.length, from + LENGTH))
  const pieces: Piece[] = []
  const add = (start: number, end: number, found: boolean): void => {
    if (end > start) pieces.push({ text: text.slice(start, end), found })
  }
  let at = from
  for (const [start, end] of ranges) {
    if (start >= to) break
    add(at, Math.max(at, start), false)
    add(Math.max(at, start), Math.min(end, to), true)
    at = Math.max(at, Math.min(end, to))
  }
  add(at, to, false)
  if (from > 0) pieces.unshift({ text: '…', found: false })
  if (to < text.length) pieces.push({ text: '…', found: false })
  return pieces
}

/** The place, or one before it where it is within a pair of surrogates. */
function startAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
