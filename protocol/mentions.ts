import { foldName } from './fold-name.ts'
import { UNSPACED } from './markup.ts'

/**
 * Who is named in a text by `@` and a user name. The server decides by it, and clients show by it what was decided. Plain functions,
 * no zod. A name may be in any script, and is the longest that anyone of those meant has; no part of a word, an address of e-mail or
 * a link is one.
 */

/** Names everybody, where the right role says it. */
export const ALL = 'all'

export interface MentionAt {
  /** Where it begins, with the `@`, and ends. */
  from: number
  to: number
  id: string
}

/** Looked at in one text. What comes after that is only text, however often it says `@`. */
const MOST = 200
/** As long as a user name may be before it is folded (`user.ts`). */
const LONGEST = 128
/** Where words are not apart, so many ends of a name are tried. */
const MOST_ENDS = 40

/** The names in the text, in order; `idOf` knows those meant by their folded names (`fold-name.ts`). */
export function mentionsIn(text: string, idOf: (foldedName: string) => string | undefined): MentionAt[] {
  const found: MentionAt[] = []
  let looked = 0
  for (let at = text.indexOf('@'); at >= 0 && looked < MOST; at = text.indexOf('@', at + 1)) {
    if (WITHIN.test(text.slice(Math.max(0, at - 2), at))) continue
    looked++
    NAME.lastIndex = at + 1
    const run = NAME.exec(text)?.[0]
    if (run === undefined) continue
    for (const end of endsOf(run, text[at + 1 + run.length] === '@')) {
      const id = idOf(foldName(run.slice(0, end)))
      if (id === undefined) continue
      found.push({ from: at, to: at + 1 + end, id })
      break
    }
  }
  return found
}

/** Before an `@` that is within something else. */
const WITHIN = /[\p{L}\p{M}\p{N}_.+\-/@=&?%]$/u
/** Everything that a name may be made of. */
const NAME = new RegExp(`[\\p{L}\\p{M}\\p{N}._-]{1,${LONGEST}}`, 'uy')

/** Where a name that begins the run may end, the longest first: before what only ends a sentence, and between words that stand together. */
function endsOf(run: string, atFollows: boolean): number[] {
  // What goes on with another `@` is an address.
  const ends = atFollows ? [] : [run.length]
  let trailing = true
  for (let at = run.length - 1; at > 0 && ends.length < MOST_ENDS; at--) {
    const unit = run.charCodeAt(at)
    if (unit >= 0xdc00 && unit <= 0xdfff) continue
    const char = String.fromCodePoint(run.codePointAt(at)!)
    trailing &&= !atFollows && /[._-]/.test(char)
    if (trailing || UNSPACED.test(char)) ends.push(at)
  }
  return ends
}
