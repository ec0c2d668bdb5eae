import type { ContactList } from '@parley/protocol/contact'
import { type Bond, type Side, type Stance, standingOf } from '../friendship.ts'

/** Two users and what is between them; the unit that is written, by compare-and-set. */
export interface Pair {
  /** `pairKey` of the two. */
  key: string
  /** Counts changes, 1, 2, 3…; there is no row before the first. */
  rev: number
  low: PairSide
  high: PairSide
  /** Up to which `rev` the bus knows of it. */
  toldRev: number
}

export interface PairSide extends Stance {
  /** Counts the changes of what this side sees of the other, and when and in which `rev` the last one was. A block by the other is none. */
  seen: number
  changedIn: number
  changedAt: string
}

/** What is between two users. A pair that is not there yet is one of strangers. */
export interface ContactStore {
  /** Those of these pairs (at most 500) that have a row, in no promised order. */
  find(keys: readonly string[]): Promise<Pair[]>
  /** Writes the pair where it still is at `pair.rev - 1` (0: is not there), `toldRev` left as it is. False, and nothing written, where another came first. */
  save(pair: Pair): Promise<boolean>
  /** The pairs in a list of that user, by key, after `after` where given, at most `limit`. */
  list(userId: string, list: ContactList, after: string | undefined, limit: number): Promise<Pair[]>
  /** How many are in a list of that user, counted no further than `atMost`. */
  count(userId: string, list: ContactList, atMost: number): Promise<number>
  /** Pairs of which the bus does not know the latest, in no promised order. */
  untold(limit: number): Promise<Pair[]>
  /** The bus knows of the pairs up to these revs. Never lowers what it knew. */
  told(pairs: readonly { key: string; rev: number }[]): Promise<void>
}

/** The key of two users, whichever way round. Sorted by it, the pairs of one user are sorted by the id of the other. */
export const pairKey = (a: string, b: string): string => (a < b ? `${a}:${b}` : `${b}:${a}`)

export function usersOf(key: string): Record<Side, string> {
  const [low, high] = key.split(':') as [string, string]
  return { low, high }
}

export const sideOf = (key: string, userId: string): Side => (usersOf(key).low === userId ? 'low' : 'high')

/** Stands for a user in the list of all pairs of whom one blocks the other. */
export const EVERYBODY = '*'

export const listKey = (userId: string, list: ContactList): string => `${userId}:${list}`

/** Every list that a pair is in: what both stores index. */
export function listsOf(key: string, bond: Bond): string[] {
  const users = usersOf(key)
  const ofEach = (['low', 'high'] as const).flatMap((side) => {
    const standing = standingOf(bond, side)
    return [
      ...(standing === 'none' ? [] : [listKey(users[side], standing)]),
      ...(bond[side].blocks ? [listKey(users[side], 'blocked')] : []),
    ]
  })
  return bond.low.blocks || bond.high.blocks ? [...ofEach, listKey(EVERYBODY, 'blocked')] : ofEach
}
