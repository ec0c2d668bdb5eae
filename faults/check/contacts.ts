import type { Anomaly, History } from '../history.ts'

const MIRRORED: Record<string, string> = { friends: 'friends', incoming: 'outgoing', outgoing: 'incoming' }

/** I26: what is between two people is one thing, and each sees their side of it, once. */
export function contactChecks({ final }: History): Anomaly[] {
  const anomalies: Anomaly[] = []
  const said = new Map<string, string>()
  for (const { userId, otherId, status } of final.contacts) {
    const name = `${userId} ${otherId}`
    if (said.has(name))
      anomalies.push({
        invariant: 'I26',
        anomaly: 'duplicate',
        detail: `${userId} has ${otherId} as ${said.get(name)} and as ${status}`,
      })
    said.set(name, status)
  }
  for (const { userId, otherId, status } of final.contacts) {
    const theirs = said.get(`${otherId} ${userId}`)
    if (theirs !== MIRRORED[status])
      anomalies.push({
        invariant: 'I26',
        anomaly: 'asymmetric',
        detail: `${userId} has ${otherId} as ${status}; ${otherId} has ${userId} as ${theirs ?? 'nobody'}`,
      })
  }
  return anomalies
}
