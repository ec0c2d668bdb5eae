import type { PresenceItem } from '@parley/protocol/socket'
import type { Discretion } from '../people/discretion.ts'
import type { Friends } from '../people/friends.ts'
import type { People } from '../people/people.ts'
import type { Connection } from '../socket/connections.ts'
import { packetOf } from '../socket/writer.ts'
import type { Watchers } from './watchers.ts'

/**
 * What each watcher sees of a user's presence. What a user keeps back nobody is told, and who keeps presence back is told of
 * nobody's: both look as if that user had never been here. So does who has deleted the account: what was kept back is forgotten with it.
 */
export interface Sight {
  /** As that watcher may see it. */
  of(watcher: string, item: PresenceItem): Promise<PresenceItem>
  /** A user came or went, on any node: tells the devices of this one that watch that user. */
  tell(item: PresenceItem): void
  /** The user is to be seen otherwise than before: tells the same devices, or only those of the watcher `by`, what there is to see now. */
  show(item: PresenceItem, by?: string): void
}

export function openSight(deps: {
  watchers: Pick<Watchers, 'each'>
  people: Pick<People, 'names'>
  discretion: Pick<Discretion, 'of' | 'parts'>
  friends: Pick<Friends, 'of'>
}): Sight {
  const { watchers, people, discretion, friends } = deps

  async function of(watcher: string, item: PresenceItem): Promise<PresenceItem> {
    const { userId, online, lastSeenAt } = item
    if (discretion.parts('presence', watcher, userId)) return { userId, online: false }
    if (lastSeenAt === undefined || watcher === userId) return item
    if ((await people.names([userId])).get(userId) === '') return { userId, online: false }
    const { lastSeen } = discretion.of(userId)
    if (lastSeen === 'everybody') return item
    const isFriend = lastSeen === 'friends' && (await friends.of(userId, [watcher])).has(watcher)
    return isFriend ? item : { userId, online }
  }

  async function send({ actor, writer }: Connection, item: PresenceItem): Promise<void> {
    writer.sendEphemeral(packetOf('presence.changed', await of(actor.userId, item)))
  }

  return {
    of,
    tell(item) {
      watchers.each(item.userId, (connection) => {
        // Whom it is kept from is told of no change, so that not even its time is known.
        if (!discretion.parts('presence', connection.actor.userId, item.userId)) return send(connection, item)
      })
    },
    show: (item, by) => watchers.each(item.userId, (connection) => send(connection, item), by),
  }
}
