import type { Event } from '../history.ts'
import { LEASE_MS, of } from './senders.ts'

/** Whose the browsers and apps were that people are pushed to on, as far as what was seen can tell. */
export interface Addresses {
  /** Those whose a push that arrived then may be for: it may have been on its way while the address became another's. */
  ownersAt(address: string, at: number): string[]
  /** What a user has registered under that name. */
  named(userId: string, name: string): string | undefined
  /** What was a user's, and is gone or another's. */
  former(userId: string): string[]
  /** What is a user's at the end, and since when for sure. */
  present(userId: string): { name: string; address: string; since: number }[]
  /** Whether after that moment the user may have had none. */
  mayHaveHadNone(userId: string, after: number): boolean
}

/** From when an address may have been, and from when it was for sure, until it may have been no more, and was no more for sure. */
interface Span {
  userId: string
  name: string
  address: string
  from: number
  since: number
  until: number
  end: number
}

export function addressesOf(events: readonly Event[]): Addresses {
  const gone = new Map(of(events, 'gone').map(({ address, at }) => [address, at]))
  const registered = of(events, 'registered')
  const spans: Span[] = registered.map(({ userId, name, address, startedAt, status, at }) => {
    const isKept = status < 300
    const later = registered.filter((other) => other.address === address && other.startedAt > startedAt)
    const over = gone.get(address) ?? Number.POSITIVE_INFINITY
    const isOver = later.filter((other) => other.status < 300).map((other) => other.at)
    return {
      ...{ userId, name, address, from: startedAt, since: isKept ? at : Number.POSITIVE_INFINITY },
      until: Math.min(over, ...later.map((other) => other.startedAt)),
      end: Math.min(...isOver, Number.POSITIVE_INFINITY),
    }
  })
  const byUser = Map.groupBy(spans, ({ userId }) => userId)
  const byAddress = Map.groupBy(spans, ({ address }) => address)
  const ofUser = (userId: string): Span[] => byUser.get(userId) ?? []
  const isPresent = ({ until, since }: Span): boolean => until === Number.POSITIVE_INFINITY && since < until

  return {
    ownersAt: (address, at) =>
      (byAddress.get(address) ?? [])
        .filter(({ from, end }) => from <= at && end + LEASE_MS >= at)
        .map(({ userId }) => userId),
    named: (userId, name) => ofUser(userId).find((span) => span.name === name)?.address,
    former: (userId) => [
      ...new Set(
        ofUser(userId)
          .filter((span) => !isPresent(span))
          .map(({ address }) => address),
      ),
    ],
    present: (userId) => ofUser(userId).filter(isPresent),
    mayHaveHadNone(userId, after) {
      const sure = ofUser(userId).filter(({ since, until }) => since < until)
      // Of a time that is covered, nothing is left after the last moment of each.
      let at = after
      for (let next: Span | undefined; ; at = next.until) {
        next = sure.find(({ since, until }) => since <= at && until > at)
        if (!next) return true
        if (next.until === Number.POSITIVE_INFINITY) return false
      }
    },
  }
}
