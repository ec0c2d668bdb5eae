import type { Anomaly, History, LoggedEntry } from '../history.ts'

type Window = { from: number; to: number }

/**
 * I11: nobody holds a message from before the join or after the removal. Windows are read off the final log. I25: the log
 * itself is one legal sequence of what members did.
 */
export function membershipChecks({ events, final }: History): Anomaly[] {
  const windows = new Map(final.conversations.map((c) => [c.id, windowsOf(c.log)]))
  const anomalies = final.conversations.flatMap(({ id, log }) => illegal(id, log))
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
    if (event.type === 'page')
      for (const message of event.messages) judge('a page', event.userId, event.conversationId, message.seq)
  }
  return anomalies
}

/** Plays the log: each entry was decided on by a member, with the members of that moment, and somebody stays. */
function illegal(conversationId: string, log: LoggedEntry[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const joined = new Map<string, number>()
  let membersRev = 0
  const wrong = ({ rev, kind, senderId }: LoggedEntry, why: string): void =>
    void anomalies.push({
      invariant: 'I25',
      anomaly: 'illegal-step',
      detail: `${conversationId}, entry ${rev} (${kind} by ${senderId}): ${why}`,
    })
  for (const entry of log) {
    const { kind, senderId, userIds = [], change } = entry
    if (kind !== 'created' && !joined.has(senderId)) wrong(entry, 'who did it was no member')
    if (change && change.seq < (joined.get(senderId) ?? 0)) wrong(entry, `message ${change.seq} was not theirs to see`)
    if (userIds.length > 0) {
      membersRev = entry.rev
      for (const userId of userIds) {
        if ((kind === 'members.removed') !== joined.has(userId)) wrong(entry, `${userId} could not come or go then`)
        if (kind === 'members.removed') joined.delete(userId)
        else joined.set(userId, entry.headSeq + 1)
      }
      if (joined.size === 0) wrong(entry, 'nobody was left')
    }
    if (entry.membersRev !== membersRev)
      wrong(entry, `decided with the members of ${entry.membersRev}, not of ${membersRev}`)
  }
  return anomalies
}

/** By user, the ranges of `seq` during which the user was a member. */
function windowsOf(log: History['final']['conversations'][number]['log']): Map<string, Window[]> {
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
