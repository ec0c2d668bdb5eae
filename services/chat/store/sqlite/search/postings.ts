/** Positions of the log in one segment of the index; a multiple of eight. */
export const SEGMENT = 8_192

const [LIST, BITMAP] = [0, 1]

/** Places within a segment of that size, ascending, as bytes: the distances between them, or one bit for each place where that is shorter. */
export function packPlaces(places: readonly number[], size: number): Uint8Array {
  const bytes = new Uint8Array(1 + places.length * 3)
  let used = 1
  let last = -1
  for (const place of places) {
    let distance = place - last - 1
    last = place
    while (distance > 127) {
      bytes[used++] = (distance & 127) | 128
      distance >>>= 7
    }
    bytes[used++] = distance
  }
  if (used <= size / 8) return bytes.slice(0, used)
  const bits = new Uint8Array(1 + size / 8)
  bits[0] = BITMAP
  for (const place of places) bits[1 + (place >> 3)]! |= 1 << (place & 7)
  return bits
}

/** Calls back with each of the places, ascending. */
export function eachPlace(bytes: Uint8Array, take: (place: number) => void): void {
  if (bytes[0] === LIST) {
    let place = -1
    for (let at = 1; at < bytes.length; ) {
      let distance = 0
      let shift = 0
      let byte = bytes[at++]!
      for (; byte & 128; byte = bytes[at++]!, shift += 7) distance |= (byte & 127) << shift
      place += (distance | (byte << shift)) + 1
      take(place)
    }
    return
  }
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at]!
    for (let bit = 0; byte >> bit; bit++) if ((byte >> bit) & 1) take((at - 1) * 8 + bit)
  }
}

/** The places as numbers. */
export function unpackPlaces(bytes: Uint8Array): number[] {
  const places: number[] = []
  eachPlace(bytes, (place) => void places.push(place))
  return places
}
