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
  const wanting = (mineNow: boolean, theirsNow: boolean): Bond =>
    together(side, { ...mine, wants: mineNow }, { ...theirs, wants: theirsNow })

  // One may block whom one cannot see, for instance after meeting in a group.
  if (theirs.blocks && !mine.blocks && what !== 'block') return 'hidden'
  switch (what) {
    case 'request':
      if (mine.blocks) return 'blocked'
      return mine.wants ? bond : wanting(true, theirs.wants)
    case 'accept':
      if (standing === 'friends') return bond
      return standing === 'incoming' ? wanting(true, true) : 'unasked'
    case 'decline':
      return standing === 'incoming' ? wanting(false, false) : bond
    case 'cancel':
      return standing === 'outgoing' ? wanting(false, false) : bond
    case 'remove':
      return standing === 'friends' ? wanting(false, false) : bond
    case 'block':
      if (mine.blocks) return bond
      return together(side, { wants: false, blocks: true }, { ...theirs, wants: false })
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
