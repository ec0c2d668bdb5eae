import type { Anomaly, Event, History, LoggedEntry } from '../history.ts'
import { ownersOf, play, type Standing } from './play.ts'

type Window = { from: number; to: number }
type Call = Extract<Event, { type: 'membership' }>

/**
 * I11: nobody gets a message from before the join or after the removal, and after it nothing at all. Windows are read off the
 * final log. I25: the log itself is one legal sequence of what members asked for, always with one owner, and what is told of
 * the members at the end is what it makes of them.
 */
export function membershipChecks({ events, final }: History): Anomaly[] {
  const windows = new Map(final.conversations.map((c) => [c.id, windowsOf(c.log)]))
  const calls = events.filter((event) => event.type === 'membership')
  const anomalies = final.conversations.flatMap((conversation) => {
    const own = calls.filter(({ conversationId }) => conversationId === conversation.id)
    return [...illegal(conversation.id, conversation.log), ...unasked(conversation, own), ...untrue(conversation, own)]
  })
  const judge = (who: string, userId: string, conversationId: string, seq: number): void => {
    const own = windows.get(conversationId)?.get(userId) ?? []
    if (windows.has(conversationId) && !own.some((w) => seq >= w.from && seq <= w.to))
      anomalies.push({
        invariant: 'I11',
        anomaly: 'outside-membership',
        detail: `${who} (${userId}) got message ${seq} of ${conversationId}, outside ${JSON.stringify(own)}`,
      })
  }
  for (const event of events) {
    if (event.type === 'shown') judge(event.device, event.userId, event.message.conversationId, event.message.seq)
    if (event.type !== 'page') continue
    for (const message of event.messages) judge('a page', event.userId, event.conversationId, message.seq)
    if (isOut(event, calls))
      anomalies.push({
        invariant: 'I11',
        anomaly: 'read-after-removal',
        detail: `${event.userId} read ${event.conversationId}, which they were no more in`,
      })
  }
  return anomalies
}

/** Who asks was removed before they began, and nobody had begun to add them again when they had their answer. */
function isOut({ userId, conversationId, startedAt, at }: Extract<Event, { type: 'page' }>, calls: Call[]): boolean {
  const about = calls.filter(
    (call) => call.targetId === userId && call.conversationId === conversationId && !refused(call),
  )
  return about.some(
    (removal) =>
      removal.what === 'remove' &&
      removal.status === 204 &&
      removal.at < startedAt &&
      !about.some((other) => other.what === 'add' && endOf(other) > removal.startedAt && other.startedAt < at),
  )
}

const refused = ({ status }: Call): boolean => status !== undefined && status >= 300 && status < 500

/** What had no answer may be carried out at any time after. */
const endOf = ({ status, at }: Call): number => (status === undefined ? Number.POSITIVE_INFINITY : at)

/** Plays the log: each entry was decided on by a member who may, with the members of that moment, and one of them owns the group. */
function illegal(conversationId: string, log: readonly LoggedEntry[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const isGroup = Object.values(log[0]?.roles ?? {}).includes('owner')
  let membersRev = 0
  const wrong = ({ rev, kind, senderId }: LoggedEntry, why: string): void =>
    void anomalies.push({
      invariant: 'I25',
      anomaly: 'illegal-step',
      detail: `${conversationId}, entry ${rev} (${kind} by ${senderId}): ${why}`,
    })
  const end = play(log, (entry, members) => {
    const { kind, senderId, userIds = [], change } = entry
    const me = members.get(senderId)
    if (kind !== 'created' && !me) wrong(entry, 'who did it was no member')
    if (change && change.seq < (me?.fromSeq ?? 0)) wrong(entry, `message ${change.seq} was not theirs to see`)
    for (const userId of userIds)
      if ((kind === 'members.removed') !== members.has(userId)) wrong(entry, `${userId} could not come or go then`)
    if (me && !mayDo(entry, me, members)) wrong(entry, `their role (${me.role}) does not let them`)
    if (isGroup && kind !== 'created' && ownersOf(members) !== 1) wrong(entry, `there were ${ownersOf(members)} owners`)
    if (kind === 'created' || TERMS.has(kind)) membersRev = entry.rev
    if (entry.membersRev !== membersRev)
      wrong(entry, `decided with the members of ${entry.membersRev}, not of ${membersRev}`)
  })
  if (log.length > 0 && end.size === 0) wrong(log.at(-1)!, 'nobody was left')
  return anomalies
}

/** Beside the creation, what is decided with the members of that moment and makes others of them. */
const TERMS = new Set(['members.added', 'members.removed', 'members.role', 'invite.revoked', 'timer.changed'])

function mayDo(
  { kind, senderId, userIds = [], named }: LoggedEntry,
  me: Standing,
  members: ReadonlyMap<string, Standing>,
) {
  const roleOf = (userId: string) => members.get(userId)?.role
  if (kind === 'members.removed')
    return userIds.every(
      (userId) => userId === senderId || me.role === 'owner' || (me.role === 'admin' && roleOf(userId) === 'member'),
    )
  if (!named) return true
  return me.role === 'owner' && members.has(named.userId) && roleOf(named.userId) !== named.role
}

/** Each change of the members was asked for, as often as it is there, by a call that was not refused. */
function unasked({ id, log }: History['final']['conversations'][number], calls: Call[]): Anomaly[] {
  if (calls.length === 0) return []
  const left = new Map<string, number>()
  const count = (name: string, by: number): number => {
    left.set(name, (left.get(name) ?? 0) + by)
    return left.get(name)!
  }
  for (const { what, userId, targetId, role, status } of calls)
    if (status === undefined || status < 300 || status >= 500)
      count(`${what} ${role ?? ''} ${targetId} by ${userId}`, 1)
  return log.flatMap(({ kind, rev, senderId, userIds = [], named }) => {
    const names =
      kind === 'members.added' || kind === 'members.removed'
        ? userIds.map((userId) => `${kind === 'members.added' ? 'add' : 'remove'}  ${userId} by ${senderId}`)
        : named
          ? [`role ${named.role} ${named.userId} by ${senderId}`]
          : []
    return names
      .filter((name) => count(name, -1) < 0)
      .map((name) => ({ invariant: 'I25', anomaly: 'phantom-step', detail: `entry ${rev} of ${id}: ${name}, unasked` }))
  })
}

/** The members of the end are those of the log; and whoever came or went last, by a call that was answered, came or went. */
function untrue({ id, log, members }: History['final']['conversations'][number], calls: Call[]): Anomaly[] {
  const end = play(log)
  const broken = (anomaly: string, detail: string): Anomaly => ({ invariant: 'I25', anomaly, detail })
  const anomalies: Anomaly[] = []
  const rolesOf = (pairs: (readonly [string, string])[]) =>
    JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const told = rolesOf(members.map(({ userId, role }) => [userId, role] as const))
  const logged = rolesOf([...end].map(([userId, { role }]) => [userId, role] as const))
  if (told !== logged) anomalies.push(broken('diverged', `${id} is told to have ${told}; its log makes ${logged}`))
  for (const call of calls) {
    if (call.what === 'role' || call.status === undefined || call.status >= 300) continue
    const later = calls.some(
      (other) =>
        other !== call &&
        !refused(other) &&
        other.targetId === call.targetId &&
        other.what !== 'role' &&
        endOf(other) > call.startedAt,
    )
    if (!later && end.has(call.targetId) !== (call.what === 'add'))
      anomalies.push(
        broken('lost-step', `${call.what} ${call.targetId} by ${call.userId} in ${id} was acknowledged, last`),
      )
  }
  return anomalies
}

/** By user, the ranges of `seq` during which the user was a member. */
export function windowsOf(log: readonly LoggedEntry[]): Map<string, Window[]> {
  const windows = new Map<string, Window[]>()
  for (const entry of log) {
    for (const userId of entry.userIds ?? []) {
      const own = windows.get(userId) ?? []
      windows.set(userId, own)
      if (entry.kind === 'members.removed') {
        const open = own.at(-1)
        if (open && open.to === Number.POSITIVE_INFINITY) open.to = entry.headSeq
      } else if (own.at(-1)?.to !== Number.POSITIVE_INFINITY)
        own.push({ from: entry.headSeq + 1, to: Number.POSITIVE_INFINITY })
    }
  }
  return windows
}
