import { randomBytes } from 'node:crypto'
import { cut } from './cut.ts'
import { openBlocks } from './postings.ts'

/** When there are so many they are put into blocks: less than a hundred megabytes are in use then, whatever texts people write. */
export const GATHERED_MAX = 1_500_000
/** Above any number of a gram, by more than the longest text has. */
const NUMBERS = 2 ** 21

/**
 * Which grams are at which places: gathered place after place, ascending, and taken out gram after gram. All of it is arrays of
 * numbers, since objects for half a million of these in a segment cost more than all else.
 */
export class Gathered {
  readonly #size: number
  /** Of a hash table: the number of a gram, plus one. */
  #slots = new Uint32Array(1 << 11)
  /** From a hash of 32 bits to a slot. */
  #shift = 32 - 11
  // By the number of the gram, which is the order in which grams came.
  #grams = new Int32Array(1 << 10)
  #counts = new Uint32Array(1 << 10)
  #lastPlaces = new Int32Array(1 << 10)
  #distinct = 0
  // What came, in its order.
  #numbers = new Uint32Array(1 << 12)
  #places = new Uint16Array(1 << 12)
  #length = 0
  #place = 0
  /** Odd, and not to be guessed, or somebody could choose texts whose grams are all in one place of the table. */
  readonly #multiplier = randomBytes(4).readInt32LE() | 1
  readonly #note = (gram: number): void => this.add(gram)

  constructor(size: number) {
    this.#size = size
  }

  /** How many there are. */
  get length(): number {
    return this.#length
  }

  /** What follows is at this place, which is not below any before. */
  at(place: number): void {
    this.#place = place
  }

  addText(text: string): void {
    cut(text, this.#note)
  }

  /** Once more at the same place changes nothing. */
  add(gram: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = Math.imul(gram, this.#multiplier) >>> this.#shift
    let number = slots[slot]! - 1
    while (number >= 0 && this.#grams[number] !== gram) {
      slot = (slot + 1) & mask
      number = slots[slot]! - 1
    }
    if (number < 0) {
      number = this.#distinct++
      slots[slot] = number + 1
      this.#grams[number] = gram
      this.#counts[number] = 0
      this.#lastPlaces[number] = -1
      if (this.#distinct === this.#grams.length) this.#growTable()
    }
    if (this.#lastPlaces[number] === this.#place) return
    this.#lastPlaces[number] = this.#place
    this.#counts[number]!++
    if (this.#length === this.#numbers.length) this.#grow()
    this.#numbers[this.#length] = number
    this.#places[this.#length++] = this.#place
  }

  /** All of it, in blocks; then it is empty. */
  take(write: (firstGram: number, block: Uint8Array) => void): void {
    const blocks = openBlocks(this.#size, write)
    const order = this.#inOrder()
    const ends = new Uint32Array(this.#distinct)
    let end = 0
    for (const number of order) {
      ends[number] = end
      end += this.#counts[number]!
    }
    const sorted = new Uint16Array(this.#length)
    for (let n = 0; n < this.#length; n++) sorted[ends[this.#numbers[n]!]!++] = this.#places[n]!
    for (const number of order)
      blocks.add(this.#grams[number]!, sorted.subarray(ends[number]! - this.#counts[number]!, ends[number]))
    blocks.end()
    this.#slots.fill(0)
    this.#distinct = 0
    this.#length = 0
  }

  /** The numbers of the grams, by gram. Both fit in what a double holds exactly, and doubles are sorted without a call for each. */
  #inOrder(): Uint32Array {
    const keys = new Float64Array(this.#distinct)
    for (let number = 0; number < keys.length; number++) keys[number] = this.#grams[number]! * NUMBERS + number
    keys.sort()
    return Uint32Array.from(keys, (key) => key - Math.floor(key / NUMBERS) * NUMBERS)
  }

  #growTable(): void {
    this.#grams = grown(this.#grams)
    this.#counts = grown(this.#counts)
    this.#lastPlaces = grown(this.#lastPlaces)
    const slots = new Uint32Array(this.#slots.length * 2)
    this.#shift--
    const mask = slots.length - 1
    for (let number = 0; number < this.#distinct; number++) {
      let slot = Math.imul(this.#grams[number]!, this.#multiplier) >>> this.#shift
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }

  #grow(): void {
    this.#numbers = grown(this.#numbers)
    this.#places = grown(this.#places)
  }
}

function grown<Numbers extends Int32Array | Uint32Array | Uint16Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(numbers.length * 2)
  larger.set(numbers)
  return larger
}
