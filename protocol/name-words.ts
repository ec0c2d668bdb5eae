import { foldText } from './fold.ts'
import { foldName } from './fold-name.ts'

/** Longer ones are cut: an index takes no key of any length. */
const WORD_LENGTH = 64

/** The words by which a display name is found, whatever their case, accents and width: folded, each once. A name of nothing but signs has none. */
export function wordsOf(displayName: string | null | undefined): string[] {
  const words = foldText(displayName ?? '').match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  return [...new Set(words.map((word) => [...word].slice(0, WORD_LENGTH).join('')))]
}

/** Is each of the terms, folded like words, the beginning of one of the words? */
export const haveAll = (words: readonly string[], terms: readonly string[]): boolean =>
  terms.every((term) => words.some((word) => word.startsWith(term)))

/** Whether somebody of these names is found by what is written, as the search for people of the user service finds them. */
export function isFoundBy(person: { username: string; displayName?: string | undefined }, written: string): boolean {
  const q = written.trim()
  if (q === '') return false
  if (foldName(person.username).startsWith(foldName(q))) return true
  const terms = wordsOf(q)
  return terms.length > 0 && haveAll(wordsOf(person.displayName), terms)
}
