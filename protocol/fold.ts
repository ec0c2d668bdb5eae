/**
 * How texts are compared when one looks for something: what one types finds a text whatever its case, accents and width are. No
 * zod: the web client marks what it found by it.
 */

/**
 * What is folded by itself, a unit: blanks in a row, or a character with the marks on it and with what may become one with it, which
 * are vowels and final consonants of Hangul in any form (conjoining, compatibility, halfwidth) and a vowel of Kirat Rai. So the
 * folded text is put together from these, and each place in it is known to be of one of them.
 */
const BLANK = /^\s/
const MARK = /^\p{M}/u
const JOINING =
  /^[\p{M}\u1160-\u11ff\ud7b0-\ud7fb\u3133\u3135\u3136\u313a-\u313f\u314f-\u3163\uff9e\uff9f\uffa3\uffa5\uffa6\uffaa-\uffaf\uffc2-\uffdc\u{16d67}]/u

/**
 * Accents, vowel points and harakat (marks of many scripts alike), and what is never seen; not the two marks of kana, which make
 * another letter. Indic vowel signs and the like are letters and stay.
 */
const LEFT_OUT =
  /(?![\u3099\u309a])\p{Script=Inherited}|[\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640]|\p{Default_Ignorable_Code_Point}/gu

const ASCII = /^[\0-\x7f]*$/
const BLANKS = /[\t-\r ]{2,}|[\t-\r]/g
const KNOWN_MAX = 20_000
const known = new Map<string, string>()

/**
 * The form in which texts are compared: compatibility forms (NFKC), case (by way of upper case, so that `ß` and `ss`, or the two
 * small sigmas, are one) and accents make no difference; blanks in a row are one space.
 */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase().replace(BLANKS, ' ')
  let folded = ''
  for (let at = 0; at < text.length; ) {
    const end = unitEnd(text, at)
    folded += end === at + 1 ? foldSingle(text, at) : foldUnit(text.slice(at, end))
    at = end
  }
  return folded
}

/** What a character is in a unit: a mark joins what is before it, too. */
const [BLANKS_JOIN, MARKS_JOIN, JOINS, BEGINS] = [1, 2, 3, 4]
/** Of each character, as far as it is known: texts are full of the same ones. */
const kinds = new Uint8Array(0x11_0000)

function kindOf(character: number): number {
  const before = kinds[character]!
  if (before > 0) return before
  const text = String.fromCodePoint(character)
  const kind = BLANK.test(text) ? BLANKS_JOIN : MARK.test(text) ? MARKS_JOIN : JOINING.test(text) ? JOINS : BEGINS
  kinds[character] = kind
  return kind
}

/** Where the unit ends that begins there. */
function unitEnd(text: string, at: number): number {
  const first = text.codePointAt(at)!
  const kind = kindOf(first)
  let end = at + (first > 0xffff ? 2 : 1)
  while (end < text.length) {
    const next = text.codePointAt(end)!
    const nextKind = kindOf(next)
    const joins = kind >= JOINS ? nextKind === MARKS_JOIN || nextKind === JOINS : nextKind === kind
    if (!joins) break
    end += next > 0xffff ? 2 : 1
  }
  return end
}

const singles = new Map<number, string>()

/** Of a unit of two bytes, as most are. */
function foldSingle(text: string, at: number): string {
  const code = text.charCodeAt(at)
  const before = singles.get(code)
  if (before !== undefined) return before
  const folded = foldUnit(text[at]!)
  singles.set(code, folded)
  return folded
}

function foldUnit(unit: string): string {
  const before = known.get(unit)
  if (before !== undefined) return before
  const folded = BLANK.test(unit) ? ' ' : foldOnce(foldOnce(unit))
  if (known.size >= KNOWN_MAX) known.clear()
  // A letter under a heap of marks is rare, and not worth the memory.
  if (unit.length <= 8) known.set(unit, folded)
  return folded
}

/** An accent that stands by itself is a blank with a mark for NFKC. It stays what it is, or blanks would come to be in a row. */
const foldOnce = (unit: string): string => {
  const compatible = unit.normalize('NFKC')
  if (/^\s|\s$/u.test(compatible)) return unit.normalize('NFD').replace(LEFT_OUT, '')
  return compatible.toUpperCase().toLowerCase().normalize('NFKD').replace(LEFT_OUT, '').normalize('NFKC')
}

/** Does the folded text have all of these terms, which are folded too? */
export const hasAll = (folded: string, terms: readonly string[]): boolean =>
  terms.every((term) => folded.includes(term))

/** A part of a text: from its first UTF-16 code unit up to before its last. */
export type Range = [start: number, end: number]

/** Where the folded `terms` are in a text: ranges of the text as it was given, ascending, none touching another; at most `most`. */
export function rangesOf(text: string, terms: readonly string[], most = 100): Range[] {
  let folded = ''
  const starts: number[] = []
  const ends: number[] = []
  for (let at = 0; at < text.length; ) {
    const end = unitEnd(text, at)
    const one = foldUnit(text.slice(at, end))
    folded += one
    for (let n = 0; n < one.length; n++) {
      starts.push(at)
      ends.push(end)
    }
    at = end
  }
  const found: Range[] = []
  for (const term of terms) {
    if (term === '') continue
    let count = 0
    for (let at = folded.indexOf(term); at >= 0 && count < most; at = folded.indexOf(term, at + term.length), count++)
      found.push([starts[at]!, ends[at + term.length - 1]!])
  }
  return joined(found).slice(0, most)
}

function joined(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const all: Range[] = []
  for (const [start, end] of ranges) {
    const last = all.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else all.push([start, end])
  }
  return all
}
