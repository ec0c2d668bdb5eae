/** A clock that was set back by more than this was wrong before: what it says now is taken. */
const HELD_MS = 3_600_000

/**
 * When an entry is created, in milliseconds since 1970, that follows one of `last`: never before it, although the clock may have
 * been set back a little, or be another node's. So times rise along a conversation, and a day is found by looking into halves.
 */
export function createdAfter(last: number, now = Date.now()): number {
  return last > now && last - now <= HELD_MS ? last : now
}
