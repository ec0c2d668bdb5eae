import type { Event } from '../history.ts'

export type Of<T extends Event['type']> = Extract<Event, { type: T }>

export const of = <T extends Event['type']>(events: readonly Event[], type: T): Of<T>[] =>
  events.filter((event): event is Of<T> => event.type === type)

/** A process that died, or stood still, with something in its hands gives no sign of it for so long. */
export const LEASE_MS = 20_000

/** What a notice leaves by, beyond the services. */
export type Outside = 'push' | 'fcm' | 'smtp'
const OUTSIDE: readonly string[] = ['push', 'fcm', 'smtp'] satisfies Outside[]

/** What breaks beyond the services is no excuse for what goes on among people. */
export const withoutOutside = (events: readonly Event[]): Event[] =>
  events.filter((event) => event.type !== 'fault' || !OUTSIDE.includes(event.target))

/**
 * How many copies of one notice a right sender may have sent: one, and one more for each time that it could not know, or say, that it was
 * taken. That whoever took it died before the answer left is seen by the copy itself, which was not answered; where it stood still, the
 * answer may have left when nobody waited for it any more.
 */
export function mostCopies(
  events: readonly Event[],
  by: readonly Outside[],
): (copies: readonly { at: number; answered: boolean }[]) => number {
  const unheard = unheardAround(events, by)
  return (copies) =>
    1 + unheard(copies[0]!.at - LEASE_MS, copies.at(-1)!.at) + copies.filter(({ answered }) => !answered).length
}

/** How often, between two moments, an answer that had left may not have been heard: its sender was broken, or who answered stood still before. */
export function unheardAround(events: readonly Event[], by: readonly Outside[]): (from: number, to: number) => number {
  const faults = faultsAround(events)
  const frozen = during(spans(events, (fault) => fault.what === 'freeze' && isOne(by, fault.target)))
  return (from, to) => faults(from, to) + frozen(from, to)
}

/** How often a sender, or what it writes to, was broken between two moments; with `by` what it leaves by as well. */
export function faultsAround(
  events: readonly Event[],
  by: readonly Outside[] = [],
): (from: number, to: number) => number {
  return during(spans(events, ({ target }) => SENDERS.test(target) || isOne(by, target)))
}

const isOne = (by: readonly string[], target: string): boolean => by.includes(target)

const SENDERS = /^(parley|notification-\d+|mongodb)$/

interface Span {
  from: number
  to: number
}

const during =
  (all: readonly Span[]) =>
  (from: number, to: number): number =>
    all.filter((span) => span.from <= to && span.to >= from).length

function spans(events: readonly Event[], counts: (fault: Of<'fault'>) => boolean): Span[] {
  const all: (Span & { target: string })[] = []
  for (const fault of of(events, 'fault')) {
    if (!counts(fault)) continue
    const { target, phase, at } = fault
    const open = all.findLast((span) => span.target === target)
    if (phase === 'begin') all.push({ target, from: at, to: Number.POSITIVE_INFINITY })
    else if (open) open.to = at
  }
  return all
}
