/** Of what was read as pinned, what has not disappeared at that time, and when the next of it will; both in milliseconds since 1970. */
export function pinsAt<Pin extends { expiresAt?: string }>(
  pins: readonly Pin[],
  now: number,
): { shown: readonly Pin[]; nextEnd: number | undefined } {
  const shown = pins.filter(({ expiresAt }) => expiresAt === undefined || Date.parse(expiresAt) > now)
  const ends = shown.flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [Date.parse(expiresAt)]))
  return { shown, nextEnd: ends.length === 0 ? undefined : Math.min(...ends) }
}
