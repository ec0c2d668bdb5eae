import type { Bus } from '@parley/kit/bus/bus'
import type { PersonChange } from '@parley/protocol/events'
import type { PersonNews as News } from '@parley/protocol/profile'
import { openPace } from '../fanout/pace.ts'
import type { Watchers } from '../presence/watchers.ts'
import type { Connections } from '../socket/connections.ts'
import { packetOf } from '../socket/packet.ts'
import { GONE_REV } from '../store/store.ts'
import type { Friends } from './friends.ts'

/** What a user is told of at most once in, whoever changes a profile how often. */
const WINDOW_MS = 1_000
/** Users whose latest told change is remembered, so that an older one that comes after is known as such. */
const MAX_TOLD = 10_000

export interface PersonNews extends AsyncDisposable {
  /** The user has deleted the account: those that watch the user are told once. */
  gone(userId: string): void
}

/**
 * Tells devices what changed in a profile, each as it may see it: those of the user, and those that watch the user, who by that are
 * shown. Whoever else is in a group with the user finds it in the members, when they are read. Every node hears it from the bus and
 * tells its own. A hint: devices read profiles again when they connect.
 */
export async function openPersonNews(deps: {
  bus: Bus
  connections: Pick<Connections, 'of'>
  watchers: Pick<Watchers, 'each' | 'has'>
  friends: Pick<Friends, 'of'>
}): Promise<PersonNews> {
  const { bus, connections, watchers, friends } = deps
  const told = new Map<string, number>()
  const waiting = new Map<string, { rev: number; change: PersonChange }>()
  const pace = openPace(WINDOW_MS, tell)

  function tell(userId: string): boolean {
    const news = waiting.get(userId)
    if (!news) return false
    waiting.delete(userId)
    const { rev, change } = news
    const { person, views } = change
    const own = packetOf('user.changed', { ...person, ...views.friend, viewRev: rev })
    for (const { writer } of connections.of(userId)) writer.send(own)
    const [toFriends, toOthers] = [views.friend, views.other].map((view) =>
      packetOf('user.changed', { ...person, ...view }),
    )
    watchers.each(userId, async ({ actor, writer }) => {
      if (actor.userId === userId) return
      const isFriend = (await friends.of(userId, [actor.userId])).has(actor.userId)
      writer.send(isFriend ? toFriends! : toOthers!)
    })
    return true
  }

  function isNew(userId: string, rev: number): boolean {
    if ((told.get(userId) ?? 0) >= rev) return false
    told.delete(userId)
    if (told.size >= MAX_TOLD) told.delete(told.keys().next().value!)
    told.set(userId, rev)
    return true
  }

  const listening = await bus.listen(['user.changed'], (event) => {
    if (event.type !== 'user.changed') return
    const { key: userId, rev, data: change } = event
    if (connections.of(userId).size === 0 && !watchers.has(userId)) return
    if (!isNew(userId, rev)) return
    waiting.set(userId, { rev, change })
    pace.news(userId)
  })

  return {
    gone(userId) {
      waiting.delete(userId)
      if (!watchers.has(userId) || !isNew(userId, GONE_REV)) return
      const view: News = { id: userId, username: '', viewRev: 0, deleted: true }
      const packet = packetOf('user.changed', view)
      watchers.each(userId, ({ writer }) => writer.send(packet))
    },
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]()
      pace[Symbol.dispose]()
    },
  }
}
