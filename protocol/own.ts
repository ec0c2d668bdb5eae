/** What one makes of messages for oneself: starred, hidden. The same on all of one's devices, and told to nobody else. Types and plain functions, no zod. */

/** One's own state of one message. `starred` and `hidden` are never both true: what is hidden loses its star. */
export interface OwnMark {
  seq: number
  /** Counts the changes of one's own state in this conversation: of two states of a message the one with the higher `rev` is true. */
  rev: number
  starred: boolean
  /** Deleted for oneself: one's own devices show nothing of it, not even its place. */
  hidden: boolean
}

/** `POST /api/conversations/:id/own`: what is not given stays as it is. */
export interface OwnChange {
  seqs: readonly number[]
  starred?: boolean | undefined
  hidden?: boolean | undefined
}

/** What changed above a `rev`, ascending. `rev` is up to where it tells everything; with `more`, another page waits above it. */
export interface OwnPage {
  items: OwnMark[]
  rev: number
  more: boolean
}

/** What a change did: the messages that it changed, with consecutive `rev`s up to the `rev` at which one's own state now is. */
export interface OwnChanged {
  items: OwnMark[]
  rev: number
}

/** The state after the change, without a new `rev`; undefined where nothing changes. Of an untouched message `before` is undefined. */
export function withOwnChange(
  before: Pick<OwnMark, 'starred' | 'hidden'> | undefined,
  { starred, hidden }: Omit<OwnChange, 'seqs'>,
): Pick<OwnMark, 'starred' | 'hidden'> | undefined {
  const was = before ?? { starred: false, hidden: false }
  const now = { starred: starred ?? was.starred, hidden: hidden ?? was.hidden }
  // Whoever stars a message wants to see it; where both are asked for at once, hiding holds.
  if (now.starred && now.hidden) {
    if (starred && !hidden) now.hidden = false
    else now.starred = false
  }
  return now.starred === was.starred && now.hidden === was.hidden ? undefined : now
}
