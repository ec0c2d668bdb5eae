/** Positions of the log in one segment of the index; a multiple of eight. */
export const SEGMENT = 8_192
/** The most there may be: the places of one gram fit in a block, and each in two bytes. */
export const SEGMENT_MAX = 16_384

/**
 * Bytes of a block, which has grams and the places of each: as many as one row has in a page of the file by itself. So a block
 * that is written over leaves nothing behind, not even in a corner of another page.
 */
export const BLOCK = 4_050
const [HEADER, PER_GRAM] = [4, 6]

/**
 * Appends places within a segment of that size, ascending, and gives where they end: the distances between them, or one bit for
 * each place where that is not longer.
 */
export function packPlaces(places: Uint16Array, size: number, into: Uint8Array, start: number): number {
  const bitmapEnd = start + size / 8
  let end = start
  let last = -1
  for (let n = 0; n < places.length; n++) {
    const place = places[n]!
    let distance = place - last - 1
    last = place
    while (distance > 127) {
      into[end++] = (distance & 127) | 128
      distance >>>= 7
    }
    into[end++] = distance
    if (end >= bitmapEnd) return packBits(places, into, start, bitmapEnd)
  }
  return end
}

function packBits(places: Uint16Array, into: Uint8Array, start: number, end: number): number {
  into.fill(0, start, end + 2)
  for (const place of places) into[start + (place >> 3)]! |= 1 << (place & 7)
  return end
}

/** Calls back with each of the places that `packPlaces` has put there, ascending. */
export function eachPlace(
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
  take: (place: number) => void,
): void {
  if (end - start < size / 8) {
    let place = -1
    for (let at = start; at < end; ) {
      let distance = 0
      let shift = 0
      let byte = bytes[at++]!
      for (; byte & 128; byte = bytes[at++]!, shift += 7) distance |= (byte & 127) << shift
      place += (distance | (byte << shift)) + 1
      take(place)
    }
    return
  }
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    for (let bit = 0; byte >> bit; bit++) if ((byte >> bit) & 1) take((at - start) * 8 + bit)
  }
}

/** Puts grams, ascending, and their places into one block after the other. */
export function openBlocks(size: number, write: (firstGram: number, block: Uint8Array) => void) {
  const lists = new Uint8Array(BLOCK + size)
  const grams = new Int32Array(BLOCK / PER_GRAM)
  const ends = new Uint16Array(BLOCK / PER_GRAM)
  let count = 0
  let used = 0

  function end(): void {
    if (count === 0) return
    const block = new Uint8Array(BLOCK)
    const head = new DataView(block.buffer)
    head.setUint32(0, count, true)
    for (let n = 0; n < count; n++) {
      head.setInt32(HEADER + n * 4, grams[n]!, true)
      head.setUint16(HEADER + count * 4 + n * 2, ends[n]!, true)
    }
    block.set(lists.subarray(0, used), HEADER + count * PER_GRAM)
    write(grams[0]!, block)
    count = 0
    used = 0
  }

  return {
    add(gram: number, places: Uint16Array): void {
      let listEnd = packPlaces(places, size, lists, used)
      if (HEADER + (count + 1) * PER_GRAM + listEnd > BLOCK) {
        const list = lists.slice(used, listEnd)
        end()
        lists.set(list)
        listEnd = list.length
      }
      grams[count] = gram
      ends[count++] = listEnd
      used = listEnd
    },
    /** The last block is written, however little is in it. */
    end,
  }
}

/** Calls back with where in the block the places are of each gram from `first` to `last`. Throws `RangeError` at what is no block. */
export function eachList(
  block: Uint8Array,
  first: number,
  last: number,
  take: (start: number, end: number, gram: number) => void,
): void {
  const head = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const count = head.getUint32(0, true)
  const gramAt = (n: number): number => head.getInt32(HEADER + n * 4, true)
  const endAt = (n: number): number => (n < 0 ? 0 : head.getUint16(HEADER + count * 4 + n * 2, true))
  let [from, to] = [0, count]
  while (from < to) {
    const middle = (from + to) >> 1
    if (gramAt(middle) < first) from = middle + 1
    else to = middle
  }
  const lists = HEADER + count * PER_GRAM
  for (let n = from; n < count; n++) {
    const gram = gramAt(n)
    if (gram > last) return
    take(lists + endAt(n - 1), lists + endAt(n), gram)
  }
}
