import { foldText } from '@parley/protocol/fold'
import { GRAM, type Wanted } from '../../grams.ts'

/**
 * The grams of `grams.ts` as numbers, so that an index is made without a string for each. A gram has eleven bits of its first
 * character and ten of each that follows, so that those that begin alike are side by side. ASCII has numbers of its own. Other
 * characters share theirs with some: a few looks in vain, for whatever is found is compared with the text. Grams of texts are
 * not negative, those of senders are.
 */
const [FIRST_BITS, MORE_BITS] = [11, 10]
const ASCII_END = 0x80
const ASCII = /^[\0-\x7f]*$/

/** Never 0, which stands for no character. */
const shared = (character: number, bits: number): number => ASCII_END + (character % ((1 << bits) - ASCII_END))
const numberOf = (character: number, bits: number): number =>
  character > 0 && character < ASCII_END ? character : shared(character, bits)

/** What ASCII folds to, and 0 for blanks, at which grams end. */
const FOLDED = Uint8Array.from({ length: ASCII_END }, (_, character) => {
  const folded = foldText(String.fromCharCode(character))
  return folded === ' ' ? 0 : numberOf(folded.charCodeAt(0), MORE_BITS)
})

/** Calls back with each gram of a text, in its order, some of them again. */
export function cut(text: string, take: (gram: number) => void): void {
  if (ASCII.test(text)) cutAscii(text, take)
  else cutFolded(foldText(text), take)
}

function cutAscii(text: string, take: (gram: number) => void): void {
  let [before, last] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const now = FOLDED[text.charCodeAt(at)]!
    if (before > 0) take((before << (2 * MORE_BITS)) | (last << MORE_BITS) | now)
    if (now > 0) {
      before = last
      last = now
      continue
    }
    if (last > 0) take(last << (2 * MORE_BITS))
    before = 0
    last = 0
  }
  if (before > 0) take((before << (2 * MORE_BITS)) | (last << MORE_BITS))
  if (last > 0) take(last << (2 * MORE_BITS))
}

const BLANK = 0x20

function cutFolded(folded: string, take: (gram: number) => void): void {
  // Of the last two characters: as the first of a gram, and as one that follows.
  let [before, last, lastMore] = [0, 0, 0]
  for (let at = 0; at <= folded.length; at++) {
    const character = at < folded.length ? folded.codePointAt(at)! : BLANK
    if (character > 0xffff) at++
    const more = character === BLANK ? 0 : numberOf(character, MORE_BITS)
    if (before > 0) take((before << (2 * MORE_BITS)) | (lastMore << MORE_BITS) | more)
    if (more === 0) {
      if (last > 0) take(last << (2 * MORE_BITS))
      before = 0
      last = 0
      continue
    }
    before = last
    last = numberOf(character, FIRST_BITS)
    lastMore = more
  }
}

/** By what the messages of a sender are found: of a UUID the end, in which those of people differ. In hexadecimal, of four bytes at least. */
export const senderGram = (sender: string): number => Number.parseInt(sender.slice(-8), 16) | -0x8000_0000

/** The numbers that a gram which is wanted may have: from the first to the last. */
export function rangeOf({ gram, whole }: Wanted): [first: number, last: number] {
  const characters = Array.from(gram, (one) => one.codePointAt(0)!)
  let first = 0
  for (let n = 0; n < GRAM; n++) {
    const character = characters[n]
    const bits = n === 0 ? FIRST_BITS : MORE_BITS
    first = (first << bits) | (character === undefined ? 0 : numberOf(character, bits))
  }
  const open = whole ? 0 : GRAM - characters.length
  return [first, first + (1 << (open * MORE_BITS)) - 1]
}
