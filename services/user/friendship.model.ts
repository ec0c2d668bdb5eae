import fc from 'fast-check'
import { type Act, type Bond, otherSide, type Refusal, type Side, type Standing, standingOf } from './friendship.ts'

/** The rule told another way, for the tests: what a person would draw as arrows between four states, and the blocks beside it. */
export interface Model {
  tie: 'none' | 'low asked' | 'high asked' | 'friends'
  blocks: ReadonlySet<Side>
}

export const START: Model = { tie: 'none', blocks: new Set() }

export interface Move {
  side: Side
  what: Act
}

const ACTS: readonly Act[] = ['request', 'accept', 'decline', 'cancel', 'remove', 'block', 'unblock']

/** Something that one of the two does; requests and answers more often than blocks. */
export const move: fc.Arbitrary<Move> = fc.record({
  side: fc.constantFrom<Side>('low', 'high'),
  what: fc.oneof({ weight: 3, arbitrary: fc.constantFrom<Act>('request', 'accept') }, fc.constantFrom(...ACTS)),
})

export function play({ tie, blocks }: Model, { side, what }: Move): Model | Refusal {
  const other = otherSide(side)
  const [mine, theirs] = [`${side} asked`, `${other} asked`] as const
  const arrows: Partial<Record<Act, Partial<Record<Model['tie'], Model['tie']>>>> = {
    request: { none: mine, [theirs]: 'friends' },
    accept: { [theirs]: 'friends' },
    decline: { [theirs]: 'none' },
    cancel: { [mine]: 'none' },
    remove: { friends: 'none' },
    block: { [mine]: 'none', [theirs]: 'none', friends: 'none' },
  }
  if (blocks.has(other) && !blocks.has(side) && what !== 'block') return 'hidden'
  if (what === 'request' && blocks.has(side)) return 'blocked'
  if (what === 'accept' && tie !== theirs && tie !== 'friends') return 'unasked'
  const after = new Set(blocks)
  if (what === 'block') after.add(side)
  if (what === 'unblock') after.delete(side)
  return { tie: arrows[what]?.[tie] ?? tie, blocks: after }
}

/** What each of the two sees, as one line. */
export const seen = (standing: Standing, blocked: boolean): string => `${standing}${blocked ? ', blocked' : ''}`

export const seenInBond = (bond: Bond, side: Side): string => seen(standingOf(bond, side), bond[side].blocks)

export function seenInModel({ tie, blocks }: Model, side: Side): string {
  const standing = tie === 'none' || tie === 'friends' ? tie : tie === `${side} asked` ? 'outgoing' : 'incoming'
  return seen(standing, blocks.has(side))
}
