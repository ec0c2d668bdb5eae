import { foldText } from '@parley/protocol/fold'

/** Longer ones are cut: an index takes no key of any length. */
const WORD_LENGTH = 64

/**
 * The words by which a display name is found, whatever their case, accents and width: folded, each once, in the order of their code
 * points, as both stores sort them. A name of nothing but signs has none.
 */
export function wordsOf(displayName: string | null | undefined): string[] {
  const words = foldText(displayName ?? '').match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  return [...new Set(words.map((word) => [...word].slice(0, WORD_LENGTH).join('')))].sort(byCodePoint)
}

/** Is each of the terms, folded like words, the beginning of one of the words? */
export const haveAll = (words: readonly string[], terms: readonly string[]): boolean =>
  terms.every((term) => words.some((word) => word.startsWith(term)))

const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
