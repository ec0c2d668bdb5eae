import type { Anomaly, Event, History } from '../history.ts'

/** Receipts: I12 monotone, `readSeq` <= `deliveredSeq` <= head; I13 true. */
export function receiptChecks({ events, final }: History): Anomaly[] {
  return [...monotone(events), ...bounded(events, final), ...truthful(events, final)]
}

function monotone(events: Event[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const last = new Map<string, { deliveredSeq: number; readSeq: number }>()
  for (const event of events) {
    if (event.type === 'wiped')
      for (const name of last.keys()) if (name.startsWith(`${event.device} `)) last.delete(name)
    if (event.type !== 'marks') continue
    const name = `${event.device} ${event.conversationId} ${event.userId}`
    const before = last.get(name)
    if (before && (event.deliveredSeq < before.deliveredSeq || event.readSeq < before.readSeq))
      anomalies.push({
        invariant: 'I12',
        anomaly: 'receipt-regression',
        detail: `${event.device} saw ${event.userId} go from ${before.deliveredSeq}/${before.readSeq} to ${event.deliveredSeq}/${event.readSeq} in ${event.conversationId}`,
      })
    last.set(name, event)
  }
  return anomalies
}

function bounded(events: Event[], final: History['final']): Anomaly[] {
  const heads = new Map(final.conversations.map((c) => [c.id, c.messages.length]))
  const seen = [
    ...events.flatMap((e) => (e.type === 'marks' ? [{ ...e, where: e.device }] : [])),
    ...final.conversations.flatMap((c) => c.marks.map((m) => ({ ...m, conversationId: c.id, where: 'the store' }))),
  ]
  return seen
    .filter(
      (m) => m.readSeq > m.deliveredSeq || m.deliveredSeq > (heads.get(m.conversationId) ?? Number.POSITIVE_INFINITY),
    )
    .map((m) => ({
      invariant: 'I12',
      anomaly: 'receipt-out-of-range',
      detail: `${m.where}: ${m.userId} has delivered ${m.deliveredSeq}, read ${m.readSeq} of ${heads.get(m.conversationId)} in ${m.conversationId}`,
    }))
}

/** A mark seen at a moment was caused by something that its owner's devices did before that moment. */
function truthful(events: Event[], final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  const held = new Map<string, number>()
  const read = new Map<string, number>()
  const raise = (map: Map<string, number>, name: string, seq: number): void =>
    void map.set(name, Math.max(map.get(name) ?? 0, seq))
  const judge = (
    m: { conversationId: string; userId: string; deliveredSeq: number; readSeq: number },
    where: string,
  ): void => {
    const name = `${m.conversationId} ${m.userId}`
    if (m.readSeq > (read.get(name) ?? 0))
      anomalies.push({
        invariant: 'I13',
        anomaly: 'false-read',
        detail: `${where}: ${m.userId} has read up to ${m.readSeq} of ${m.conversationId}; its devices had marked ${read.get(name) ?? 0}`,
      })
    if (m.deliveredSeq > Math.max(held.get(name) ?? 0, read.get(name) ?? 0))
      anomalies.push({
        invariant: 'I13',
        anomaly: 'false-delivery',
        detail: `${where}: ${m.userId} was delivered up to ${m.deliveredSeq} of ${m.conversationId}; its devices held ${held.get(name) ?? 0}`,
      })
  }
  for (const event of events) {
    if (event.type === 'shown') raise(held, `${event.message.conversationId} ${event.userId}`, event.message.seq)
    if (event.type === 'view')
      for (const message of event.messages) raise(held, `${event.conversationId} ${event.userId}`, message.seq)
    if (event.type === 'read') raise(read, `${event.conversationId} ${event.userId}`, event.seq)
    if (event.type === 'marks') judge(event, event.device)
  }
  for (const conversation of final.conversations)
    for (const marks of conversation.marks) judge({ ...marks, conversationId: conversation.id }, 'the store')
  return anomalies
}
