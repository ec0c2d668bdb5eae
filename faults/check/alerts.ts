import type { Anomaly, Final, History, SeenAlert } from '../history.ts'
import { type Promised, promises } from './alert-causes.ts'
import { type Of, of } from './senders.ts'

/**
 * I16, of alerts: each cause is in the list once, and nothing else is. I15: what is unread is what the list has unread, what was read once
 * is read on all devices, and by nobody else's doing. I8: devices, and what sockets are told, in the order of `rev`, come to what the list
 * has. All of it when whatever was away is back.
 */
export function alertChecks({ events, final }: Pick<History, 'events' | 'final'>): Anomaly[] {
  const promisedTo = promises(events, final)
  const acts = Map.groupBy(of(events, 'alerts.read'), ({ userId }) => userId)
  const news = Map.groupBy(of(events, 'alerted'), ({ userId }) => userId)
  const each = final.alerts.flatMap((list) => [
    ...listed(list, promisedTo(list.userId)),
    ...counted(list),
    ...readRightly(list, acts.get(list.userId) ?? [], final),
    ...shown(list, final),
    ...told(list, news.get(list.userId) ?? []),
  ])
  return [...each, ...acceptedByBoth(final.alerts)]
}

type List = Final['alerts'][number]

/** The service keeps the last 500 of a user, those that are gone among them: where so many are listed, old ones may have made room. */
const MAY_BE_FULL = 250

/** What an alert is about: there is one of each. */
export function aboutOf({ id, kind, actors, conversationId, seq, sessionId }: SeenAlert): string {
  switch (kind) {
    case 'mention':
    case 'mention.all':
    case 'reply':
      return `message ${conversationId}#${seq}`
    case 'reaction':
      return `reactions to ${conversationId}#${seq}`
    case 'contact.requested':
    case 'contact.accepted':
      return `contact ${actors[0]}`
    case 'group.added':
      return `group ${conversationId}`
    case 'session.started':
      return `session ${sessionId}`
    case 'session.reused':
    case 'password.changed':
    case 'email.changed':
      return `account ${id}`
    default:
      return kind satisfies never
  }
}

const broken = (invariant: string, anomaly: string, detail: string): Anomaly => ({ invariant, anomaly, detail })

function listed({ userId, items }: List, promised: ReadonlyMap<string, Promised>): Anomaly[] {
  const found = Map.groupBy(items, aboutOf)
  const oldest = items.at(-1)?.at ?? ''
  const lost = [...promised].flatMap(([about, { isDue, at }]) => {
    const madeRoom = items.length >= MAY_BE_FULL && (at === undefined || at <= oldest)
    if (!isDue || madeRoom || found.has(about)) return []
    return [broken('I16', 'lost-alert', `${userId} has none of ${about}`)]
  })
  const wrong = [...found].flatMap(([about, [item, ...more]]) => {
    const what = `${userId} has one of ${about}`
    if (more.length > 0) return [broken('I16', 'doubled-alert', `${what}, and ${more.length} more`)]
    if (/^(session|account) /.test(about)) return []
    const cause = promised.get(about)
    if (!cause) return [broken('I16', 'phantom-alert', what)]
    return untrue(item!, cause).map((why) => broken('I16', 'untrue-alert', `${what}: ${why}`))
  })
  return [...lost, ...wrong]
}

/** What an alert says that is not so. */
function untrue({ kind, at, actors, actorCount }: SeenAlert, cause: Promised): string[] {
  const { kinds, actors: those = new Set(), apart = new Set() } = cause
  const strange = actors.filter((actor) => !those.has(actor))
  const least = [...those].filter((actor) => !apart.has(actor)).length
  return [
    ...(kinds.includes(kind) ? [] : [`it is no ${kind}`]),
    ...(cause.exactly === undefined || cause.exactly === at ? [] : [`it is of ${at}, not of ${cause.exactly}`]),
    ...strange.map((actor) => `${actor} did not do it`),
    ...(actorCount < least || actorCount > those.size ? [`${actorCount} did it, of ${those.size}`] : []),
  ]
}

/** Of two friends one has asked and the other accepted, also where both asked at once: only who asked is told so. */
function acceptedByBoth(lists: readonly List[]): Anomaly[] {
  const told = new Set(
    lists.flatMap(({ userId, items }) =>
      items.flatMap(({ kind, actors: [actor] }) => (kind === 'contact.accepted' ? [`${userId} ${actor}`] : [])),
    ),
  )
  return [...told].flatMap((pair) => {
    const [one = '', other = ''] = pair.split(' ')
    if (one > other || !told.has(`${other} ${one}`)) return []
    return [broken('I16', 'accepted-by-both', `${one} and ${other} are each told that the other has accepted`)]
  })
}

function counted({ userId, unread, items }: List): Anomaly[] {
  const there = items.filter(({ read }) => !read).length
  if (unread === there) return []
  return [broken('I15', 'alert-count', `${userId} is told of ${unread} unread alerts, and has ${there}`)]
}

function readRightly({ userId, items }: List, acts: readonly Of<'alerts.read'>[], final: Final): Anomaly[] {
  // What happens again is unread again, and has another time.
  const kept = new Set(acts.flatMap(({ those, kept }) => (kept ? those.map(({ id, at }) => `${id} ${at}`) : [])))
  const meant = new Set(acts.flatMap(({ those }) => those.map(({ id }) => id)))
  const upTo = acts.reduce((most, { upTo = '' }) => (upTo > most ? upTo : most), '')
  const readSeqs = new Map(
    final.conversations.map(({ id, marks }) => [id, marks.find((mark) => mark.userId === userId)?.readSeq ?? 0]),
  )
  return items.flatMap((item) => {
    const { id, kind, at, read, conversationId = '', seq } = item
    const what = `${userId}: ${aboutOf(item)}`
    if (!read) return kept.has(`${id} ${at}`) ? [broken('I15', 'read-was-lost', what)] : []
    const withMessage = kind !== 'reaction' && seq !== undefined && seq <= (readSeqs.get(conversationId) ?? 0)
    return meant.has(id) || at <= upTo || withMessage ? [] : [broken('I15', 'read-by-nobody', what)]
  })
}

/** Whether the two say the same of one alert. */
const isSame = (one: SeenAlert | undefined, other: SeenAlert): boolean =>
  one !== undefined &&
  one.read === other.read &&
  one.kind === other.kind &&
  one.at === other.at &&
  one.actorCount === other.actorCount

/** So many of the newest a device has loaded, where there are as many. */
const LOADED = 30

function shown({ userId, unread, items }: List, { devices }: Final): Anomaly[] {
  const byId = new Map(items.map((item) => [item.id, item]))
  return devices.flatMap(({ device, userId: owner, alerts }) => {
    if (owner !== userId || !alerts) return []
    const count =
      alerts.unread === unread
        ? []
        : [broken('I15', 'alert-count', `${device} shows ${alerts.unread} unread alerts, of ${unread}`)]
    const own = new Set(alerts.items.map(({ id }) => id))
    const stale = alerts.items.filter((item) => !isSame(byId.get(item.id), item))
    const missing = items.slice(0, LOADED).filter(({ id }) => !own.has(id))
    return [
      ...count,
      ...[...stale, ...missing].map((item) => broken('I8', 'alert-not-converged', `${device}: ${aboutOf(item)}`)),
    ]
  })
}

/** What a socket would show that has heard everything since some `rev`, and nothing before; and whose device has read the list again where news names none. */
function told({ userId, rev, unread, items }: List, heard: readonly Of<'alerted'>[]): Anomaly[] {
  const beyond = heard.find((news) => news.rev > rev)
  if (beyond) return [broken('I16', 'alert-rev-beyond', `${userId} was told of rev ${beyond.rev}, and is at ${rev}`)]
  const revs = new Set(heard.map((news) => news.rev))
  if (!revs.has(rev)) return []
  let from = rev
  while (revs.has(from - 1)) from--
  const run = heard.filter((news) => news.rev >= from).sort((a, b) => a.rev - b.rev || a.at - b.at)
  const states = new Map<string, SeenAlert | 'gone'>()
  for (const { items, gone, read } of run) {
    if (items.length === 0 && gone.length === 0 && !read) states.clear()
    for (const item of items) states.set(item.id, item)
    for (const id of gone) states.set(id, 'gone')
    for (const [id, item] of read ? states : [])
      if (item !== 'gone' && read && ('ids' in read ? read.ids.includes(id) : item.at <= read.upTo))
        states.set(id, { ...item, read: true })
  }
  const byId = new Map(items.map((item) => [item.id, item]))
  const otherwise = [...states].filter(([id, state]) => {
    const item = byId.get(id)
    if (state === 'gone') return item !== undefined
    return item ? !isSame(item, state) : items.length < MAY_BE_FULL
  })
  const last = run.at(-1)!
  return [
    ...(last.unread === unread
      ? []
      : [
          broken(
            'I15',
            'alert-count',
            `${userId} was told of ${last.unread} unread alerts at rev ${rev}, of ${unread}`,
          ),
        ]),
    ...otherwise.map(([id, state]) =>
      broken(
        'I8',
        'alert-told-otherwise',
        `${userId} was told of ${state === 'gone' ? `${id}, gone` : aboutOf(state)}`,
      ),
    ),
  ]
}
