import type { Event } from '../history.ts'

export type Of<T extends Event['type']> = Extract<Event, { type: T }>

export const of = <T extends Event['type']>(events: readonly Event[], type: T): Of<T>[] =>
  events.filter((event): event is Of<T> => event.type === type)

/** A process that died, or stood still, with something in its hands gives no sign of it for so long. */
export const LEASE_MS = 20_000

/** How many copies of one notice a right sender may have sent: one, and one more for each time that it could not know, or say, that it was taken. */
export function mostCopies(events: readonly Event[]): (copies: readonly { at: number; answered: boolean }[]) => number {
  const faults = faultsAround(events)
  return (copies) =>
    1 + faults(copies[0]!.at - LEASE_MS, copies.at(-1)!.at) + copies.filter(({ answered }) => !answered).length
}

/** How often a sender, or what it writes to, was broken between two moments. */
export function faultsAround(events: readonly Event[]): (from: number, to: number) => number {
  const all = spans(events)
  return (from, to) => all.filter((span) => span.from <= to && span.to >= from).length
}

const SENDERS = /^(parley|notification-\d+|mongodb)$/

function spans(events: readonly Event[]): { from: number; to: number }[] {
  const all: { target: string; from: number; to: number }[] = []
  for (const { target, phase, at } of of(events, 'fault')) {
    if (!SENDERS.test(target)) continue
    const open = all.findLast((span) => span.target === target)
    if (phase === 'begin') all.push({ target, from: at, to: Number.POSITIVE_INFINITY })
    else if (open) open.to = at
  }
  return all
}
