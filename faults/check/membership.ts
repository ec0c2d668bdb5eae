import type { Anomaly, History } from '../history.ts'

type Window = { from: number; to: number }

/** I11: nobody holds a message from before the join or after the removal. Windows are read off the final log. */
export function membershipChecks({ events, final }: History): Anomaly[] {
  const windows = new Map(final.conversations.map((c) => [c.id, windowsOf(c.log)]))
  const anomalies: Anomaly[] = []
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
