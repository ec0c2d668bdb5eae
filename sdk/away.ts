import { prepend } from './timeline.ts'

/**
 * Messages far from the newest ones, where one has jumped to: a dense run with a hole between it and the live range. It grows both
 * ways, by what lies next to it, and ends as a part of the live range when the two meet. Pure.
 */
export interface Away<M> {
  readonly messages: readonly M[]
}

/** At most so many are held away; what is farthest from where one goes is let go. */
export const AWAY_MAX = 300

/** The run with an older page in front. */
export function withOlder<M extends { seq: number }>({ messages }: Away<M>, page: readonly M[]): Away<M> {
  const last = messages.at(-1)?.seq ?? 0
  return { messages: prepend(messages, page, last).slice(0, AWAY_MAX) }
}

/** The run with a newer page behind. */
export function withNewer<M extends { seq: number }>({ messages }: Away<M>, page: readonly M[]): Away<M> {
  const all = [...messages]
  for (const message of page) if (message.seq === (all.at(-1)?.seq ?? 0) + 1) all.push(message)
  return { messages: all.slice(-AWAY_MAX) }
}

/** Is there no hole between the run and a live range that begins with `firstLive`? */
export const meets = <M extends { seq: number }>({ messages }: Away<M>, firstLive: number): boolean =>
  (messages.at(-1)?.seq ?? 0) >= firstLive - 1
