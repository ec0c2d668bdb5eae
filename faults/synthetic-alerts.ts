import type { Bug } from './bugs.ts'
import type { Event, Final, SeenAlert } from './history.ts'
import { random } from './random.ts'

/** Long after what the alerts are of. */
const AFTER_MS = 600_000
const LOADED = 30
const BEFORE: Bug = 'alerts are told with the count of before'

/** Whom the synthetic system's people name in a message. */
export const namedIn = (step: number): string => `${step % 5 === 0 ? ' @ben' : ''}${step % 7 === 0 ? ' @dee' : ''}`

/** What a right notification service, or one with a bug, would have people's alerts come to, what it would tell their sockets, and what their devices would show. */
export function alertsOf(
  seed: number,
  start: number,
  events: readonly Event[],
  final: Final,
  bug: Bug | undefined,
): { alerts: Final['alerts']; devices: Final['devices']; alerted: Event[] } {
  const { chance } = random(seed + 3_000_017)
  const alerted: Event[] = []
  const alerts = final.people.map(({ userId }): Final['alerts'][number] => {
    const items = new Map<string, SeenAlert>()
    let rev = 0
    let before = 0
    const unread = (): number => [...items.values()].filter(({ read }) => !read).length
    const tell = (news: { items?: SeenAlert[]; gone?: string[]; read?: { ids: string[] } }): void => {
      const at = start + AFTER_MS + ++rev
      const copies = chance(0.1) ? 2 : chance(0.9) ? 1 : 0
      const said = { items: [], gone: [], ...news, rev, unread: bug === BEFORE ? before : unread() }
      before = unread()
      for (let copy = 0; copy < copies; copy++) alerted.push({ at, type: 'alerted', userId, ...said })
    }
    for (const item of causesOf(userId, events, final, bug, chance)) {
      const kept = { ...item, read: bug === 'alerts are read by being told' && chance(0.1) }
      if (bug === 'an alert is told before it is kept' && chance(0.1)) {
        tell({ items: [kept] })
        continue
      }
      items.set(item.id, kept)
      tell({ items: [kept] })
      if (bug === 'an alert for each copy of its event' && chance(0.1))
        items.set(`${item.id} again`, { ...kept, id: `${item.id} again` })
      if (!chance(0.1)) continue
      const those = [...items.values()].slice(-3)
      const ids = those.map(({ id }) => id)
      alerted.push({ at: start + AFTER_MS + rev, type: 'alerts.read', userId, those, kept: true })
      const unkept = bug === 'what was read is kept by the device' && chance(0.5)
      for (const id of unkept ? [] : ids) items.set(id, { ...items.get(id)!, read: true })
      // Where what told of it was lost, the next says only that there was something.
      tell(chance(0.2) ? {} : { read: { ids } })
    }
    const isMember = final.conversations.some(({ members }) => members.some((member) => member.userId === userId))
    const lost = [...items].filter(([, item]) => item.conversationId !== undefined && !isMember)
    if (lost.length > 0 && bug !== 'alerts outlive the membership') {
      for (const [id] of lost) items.delete(id)
      tell({ gone: lost.map(([id]) => id) })
    }
    const miscounted = bug === 'unread alerts are counted up and down' && chance(0.5) ? 1 : 0
    const list = [...items.values()].sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1))
    return { userId, rev, unread: unread() + miscounted, items: list }
  })
  const devices = final.devices.map((device) => {
    const { unread, items } = alerts.find(({ userId }) => userId === device.userId)!
    const stale = bug === 'a device misses what is told of alerts' && chance(0.3)
    const shown = stale ? items.slice(1) : items
    return { ...device, alerts: { unread, items: shown.slice(0, LOADED) } }
  })
  return { alerts, devices, alerted }
}

/** All that somebody is alerted to, in the order in which it happened; also of what they are no member of any more. */
function causesOf(
  userId: string,
  events: readonly Event[],
  { conversations, contacts }: Final,
  bug: Bug | undefined,
  chance: (probability: number) => boolean,
): SeenAlert[] {
  const found: SeenAlert[] = []
  const add = (kind: SeenAlert['kind'], at: string, actors: string[], more: Partial<SeenAlert> = {}): void => {
    const id = [kind, ...actors, more.conversationId, more.seq].join(' ')
    found.push({ id, kind, at, read: false, actors: actors.slice(0, 3), actorCount: actors.length, ...more })
  }
  const names = new RegExp(`@${userId}\\b`)
  const sends = new Map(events.flatMap((event) => (event.type === 'send' ? [[event.id, event]] : [])))
  for (const { id: conversationId, log, messages, members } of conversations) {
    const added = log.find(({ kind, userIds }) => kind !== 'members.removed' && userIds?.includes(userId))
    if (added && added.senderId !== userId) add('group.added', added.createdAt!, [added.senderId], { conversationId })
    const fromSeq = members.find((member) => member.userId === userId)?.fromSeq ?? 1
    const authors = new Map(messages.map(({ seq, senderId }) => [seq, senderId]))
    const times = new Map(log.flatMap((entry) => (entry.kind === 'message' ? [[entry.headSeq, entry.createdAt!]] : [])))
    for (const { id, seq, senderId, text, deleted, reactions = [] } of messages) {
      if (seq < fromSeq) continue
      const [at, place] = [times.get(seq)!, { conversationId, seq }]
      const { text: said = text, replyTo } = sends.get(id) ?? {}
      const answers = replyTo !== undefined && authors.get(replyTo) === userId
      const own = senderId === userId
      // What names one no more may have been looked at before.
      const isNamed = names.test(text) || (names.test(said) && chance(0.5))
      if (!own && !deleted && isNamed) add('mention', at, [senderId], place)
      else if (!own && !deleted && answers) add('reply', at, [senderId], place)
      if (own && names.test(said) && bug === 'one is alerted to what one says oneself')
        add('mention', at, [userId], place)
      const actors = [...new Set(reactions.flatMap(({ userIds }) => userIds))].filter((actor) => actor !== userId)
      if (own && actors.length > 0) add('reaction', at, actors, place)
      if (own && actors.length === 0 && bug === 'a reaction that is taken back stays' && chance(0.1))
        add('reaction', at, ['ann', 'ben'].filter((actor) => actor !== userId).slice(0, 1), place)
    }
  }
  for (const { otherId, status } of contacts.filter((contact) => contact.userId === userId)) {
    const at = new Date(0).toISOString()
    if (status === 'incoming') add('contact.requested', at, [otherId])
    const asked = userId < otherId || bug === 'who accepted is alerted, too'
    if (status === 'friends' && asked) add('contact.accepted', at, [otherId])
  }
  return found
}
