import type { Anomaly, Event, History } from '../history.ts'

/** How long before a block a fault may still be felt. */
const FELT_MS = 3_000

/**
 * P6: from the 2xx of a block until it is taken back, nothing that one of the two sends then reaches the other. Of several
 * processes only while none is broken: a node that has lost its broker keeps to the blocks that it knew.
 */
export function blockChecks({ events, shape }: History): Anomaly[] {
  const acked = new Map<string, number>()
  for (const event of events) if (event.type === 'acked' && !acked.has(event.id)) acked.set(event.id, event.at)
  const calls = events.filter((event) => event.type === 'block')
  return calls
    .filter(({ on, status }) => on && status === 200)
    .flatMap((block) => {
      // What was under way together may have come in any order.
      const undone = calls.filter(
        ({ userId, otherId, on, at }) =>
          !on && userId === block.userId && otherId === block.otherId && at > block.startedAt,
      )
      const until = Math.min(...undone.map(({ startedAt }) => startedAt))
      const through = events.find((event) => {
        if (event.type !== 'send' || event.conversationId !== block.conversationId || event.at <= block.at) return false
        const ackedAt = acked.get(event.id)
        if (ackedAt === undefined || ackedAt >= until) return false
        return shape === 'all-in-one' || !broken(events, block.startedAt - FELT_MS, ackedAt)
      })
      if (through?.type !== 'send') return []
      const detail = `${through.id} of ${through.userId} was taken while ${block.userId} blocked ${block.otherId}`
      return { invariant: 'P6', anomaly: 'through-a-block', detail }
    })
}

/** Whether anything was broken between the two moments. */
function broken(events: readonly Event[], from: number, to: number): boolean {
  let open = 0
  for (const event of events) {
    if (event.at > to) break
    if (event.type !== 'fault') continue
    open += event.phase === 'begin' ? 1 : -1
    if (event.at >= from) return true
  }
  return open > 0
}
