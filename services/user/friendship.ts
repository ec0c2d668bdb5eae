/**
 * Everything that may happen between two users, as a pure rule. Each of the two either wants the friendship or does not, and
 * either blocks the other or does not: they are friends when both want it, so two requests that cross are a friendship.
 */
export interface Bond {
  low: Stance
  high: Stance
}

/** One of the two; `low` is the one with the lesser id. */
export type Side = 'low' | 'high'

export interface Stance {
  wants: boolean
  blocks: boolean
  /** This one has wanted it second, while the other was asking: a friend who accepted. */
  accepted?: true
}

export type Act = 'request' | 'accept' | 'decline' | 'cancel' | 'remove' | 'block' | 'unblock'

/**
 * Why nothing happened. `hidden`: the other has blocked this one, who is to hear what one hears of nobody. `blocked`: this one
 * has blocked the other. `unasked`: there is no request to accept.
 */
export type Refusal = 'hidden' | 'blocked' | 'unasked'

export type Standing = 'none' | 'incoming' | 'outgoing' | 'friends'

export const STRANGERS: Bond = { low: { wants: false, blocks: false }, high: { wants: false, blocks: false } }

export const otherSide = (side: Side): Side => (side === 'low' ? 'high' : 'low')

/**
 * What an act of `side` makes of the bond: the same object where it changes nothing, so that any act may be repeated (but that who
 * unblocks one by whom they are blocked is `hidden` from then on). What takes
 * back (decline, cancel, remove) does so only from the state it is named after: a request declined on one device and accepted on
 * another ends as whichever came first.
 */
export function act(bond: Bond, side: Side, what: Act): Bond | Refusal {
  const [mine, theirs] = [bond[side], bond[otherSide(side)]]
  const standing = standingOf(bond, side)
  const apart = together(side, { wants: false, blocks: mine.blocks }, { wants: false, blocks: theirs.blocks })
  const accepting = together(side, { ...mine, wants: true, accepted: true }, theirs)

  // One may block whom one cannot see, for instance after meeting in a group.
  if (theirs.blocks && !mine.blocks && what !== 'block') return 'hidden'
  switch (what) {
    case 'request':
      if (mine.blocks) return 'blocked'
      if (mine.wants) return bond
      return theirs.wants ? accepting : together(side, { ...mine, wants: true }, theirs)
    case 'accept':
      if (standing === 'friends') return bond
      return standing === 'incoming' ? accepting : 'unasked'
    case 'decline':
      return standing === 'incoming' ? apart : bond
    case 'cancel':
      return standing === 'outgoing' ? apart : bond
    case 'remove':
      return standing === 'friends' ? apart : bond
    case 'block':
      if (mine.blocks) return bond
      return together(side, { ...apart[side], blocks: true }, apart[otherSide(side)])
    case 'unblock':
      return mine.blocks ? together(side, { ...mine, blocks: false }, theirs) : bond
    default:
      return what satisfies never
  }
}

/** How the other stands with `side`. */
export function standingOf(bond: Bond, side: Side): Standing {
  const [mine, theirs] = [bond[side].wants, bond[otherSide(side)].wants]
  if (mine && theirs) return 'friends'
  if (mine) return 'outgoing'
  return theirs ? 'incoming' : 'none'
}

const together = (side: Side, mine: Stance, theirs: Stance): Bond =>
  side === 'low' ? { low: mine, high: theirs } : { low: theirs, high: mine }
