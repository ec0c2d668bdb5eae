import { foldText } from '@parley/protocol/fold'

/**
 * What the indexes of texts are made of, in both stores: at each place of a folded text the character there with the two that
 * follow, fewer where a blank or the end comes before. So three characters in a row that one looks for are one gram, and one or
 * two are how a gram begins. That finds parts of words in any script, and a single character where that is a word.
 */
export const GRAM = 3

/** Changes with how texts are folded or cut: an index of another version is made anew. */
export const GRAMS_VERSION = 2

/** The grams of a text, each once. */
export function gramsOf(text: string): Set<string> {
  const grams = new Set<string>()
  for (const run of foldText(text).split(' ')) {
    const characters = /[\ud800-\udfff]/.test(run) ? [...run] : run
    for (let at = 0; at < characters.length; at++) {
      const gram = characters.slice(at, at + GRAM)
      grams.add(typeof gram === 'string' ? gram : gram.join(''))
    }
  }
  return grams
}

/** What a message is found by that is of that sender: longer than any gram of a text. */
export const senderGram = (senderId: string): string => `\x01${senderId}`

/** How these grams begin, for an index that can look for whole values only. */
export function beginningsOf(grams: ReadonlySet<string>): Set<string> {
  const all = new Set(grams)
  for (const gram of grams) {
    const characters = [...gram]
    for (let length = 1; length < characters.length; length++) all.add(characters.slice(0, length).join(''))
  }
  return all
}

/** A gram that a text must have, or (not `whole`) one that begins so. */
export interface Wanted {
  gram: string
  whole: boolean
}

/** So many rule out enough: what is left is compared with the text itself. */
const WANTED_MAX = 12

/** What a text that has all of these folded terms has in the index. Nothing is left out that is needed to rule much out; whole ones first. */
export function wantedFor(terms: readonly string[]): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const run of terms.flatMap((term) => term.split(' '))) {
    const characters = [...run]
    if (characters.length === 0) continue
    if (characters.length < GRAM) wanted.set(`${run} `, { gram: run, whole: false })
    for (let at = 0; at + GRAM <= characters.length; at++) {
      const gram = characters.slice(at, at + GRAM).join('')
      wanted.set(gram, { gram, whole: true })
    }
  }
  const all = [...wanted.values()].sort((a, b) => Number(b.whole) - Number(a.whole))
  // Spread over all there are: grams side by side say nearly the same.
  const step = Math.max(1, all.length / WANTED_MAX)
  return Array.from({ length: Math.min(all.length, WANTED_MAX) }, (_, n) => all[Math.floor(n * step)]!)
}
