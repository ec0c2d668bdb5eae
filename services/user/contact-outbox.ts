import { createHash } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import type { ContactSide } from '@parley/protocol/contact'
import type { BusEvent } from '@parley/protocol/events'
import type { Accounts } from './accounts.ts'
import { viewOf } from './contacts.ts'
import type { Outbox } from './relay.ts'
import { type ContactStore, listsOf, type Pair, usersOf } from './store/contacts.ts'

/** Tells the bus of every pair that changed: by and by, by the relay, and `tell` at once. */
export interface ContactOutbox extends Outbox {
  /** Resolves when the bus has confirmed it; rejects `unavailable` when it did not, and the relay goes on trying. */
  tell(pair: Pair): Promise<void>
}

export function contactOutbox(
  contacts: ContactStore,
  accounts: Pick<Accounts, 'find'>,
  bus: Bus,
  /** Makes strangers of the two. */
  part: (key: string) => Promise<void>,
): ContactOutbox {
  /** Written while one of the two was deleted, by a process that died then. */
  async function haunted(pairs: readonly Pair[]): Promise<Pair[]> {
    const bound = pairs.filter((pair) => listsOf(pair.key, pair).length > 0)
    if (bound.length === 0) return []
    const both = bound.map(({ key }) => Object.values(usersOf(key)))
    const alive = new Set((await accounts.find([...new Set(both.flat())])).map(({ id }) => id))
    return bound.filter((_, i) => both[i]!.some((id) => !alive.has(id)))
  }

  return {
    async waiting(limit) {
      const pairs = await contacts.untold(limit)
      const left = await haunted(pairs)
      for (const { key } of left) await part(key)
      return (left.length > 0 ? await contacts.untold(limit) : pairs).map(contactChanged)
    },
    told: (events) => contacts.told(events.map(({ key, rev }) => ({ key, rev }))),
    async tell(pair) {
      await bus.publish(contactChanged(pair))
      await contacts.told([pair])
    },
  }
}

/** The whole state of the pair. Every copy of it has the same id. */
function contactChanged(pair: Pair): BusEvent {
  const { key, rev, low, high, toldRev } = pair
  const users = usersOf(key)
  const side = (which: 'low' | 'high'): ContactSide => ({
    userId: users[which],
    blocks: pair[which].blocks,
    view: viewOf(pair, which),
    tell: pair[which].changedIn > toldRev,
    ...(pair[which].accepted && { accepted: true }),
  })
  return {
    id: createHash('sha256').update(`${key}:${rev}`).digest('hex').slice(0, 32),
    type: 'contact.changed',
    version: 1,
    occurredAt: (low.changedIn > high.changedIn ? low : high).changedAt,
    key,
    rev,
    data: { low: side('low'), high: side('high') },
  }
}
