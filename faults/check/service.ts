import type { Anomaly, Event, History } from '../history.ts'

/** A revoked session may still be reached for this long (P9), and a restarted service may take this long to be ready (I29). */
export const REVOKE_MS = 2_000
export const READY_MS = 5_000
/** With only the broker away, an acknowledgement still comes within this time (I18). */
export const BROKERLESS_ACK_MS = 5_000
/** Growth of a server process over a run that is taken for a leak (I27). */
export const MEMORY_GROWTH_BYTES = 400 * 1024 * 1024

/** I17 outbox drains, I18 broker down is invisible, I22 revocation, I27 bounded memory, I29 crash-only. */
export function serviceChecks(history: History): Anomaly[] {
  const { events, final } = history
  return [...relayed(events, final), ...brokerless(events), ...revoked(events), ...memory(events), ...restarts(events)]
}

function relayed(events: Event[], final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const { target, count } of final.unrelayed) {
    if (count !== 0)
      anomalies.push({
        invariant: 'I17',
        anomaly: 'outbox-stuck',
        detail: `${target}: ${count ?? 'an unknown number of'} entries are not relayed`,
      })
  }
  if (final.published) {
    const { published } = final
    const missing = new Set(
      events.flatMap((e) => (e.type === 'acked' && e.seq > (published[e.conversationId] ?? 0) ? [e.id] : [])),
    )
    for (const id of missing)
      anomalies.push({
        invariant: 'I17',
        anomaly: 'unpublished',
        detail: `${id} was acknowledged and the bus never told of it`,
      })
  }
  return anomalies
}

/** While only the broker is away and its device is online, a send is answered as ever. A definite refusal is an answer too. */
function brokerless(events: Event[]): Anomaly[] {
  const answers = new Map<string, number>()
  for (const event of events) {
    if ((event.type === 'acked' || event.type === 'refused') && !answers.has(event.id)) answers.set(event.id, event.at)
  }
  const spans = brokerlessSpans(events)
  const offline = offlineSpans(events)
  return events.flatMap((event): Anomaly[] => {
    if (event.type !== 'send' || !event.online) return []
    const span = spans.find(({ from, to }) => from <= event.at && event.at < to)
    if (!span) return []
    // Waiting begins anew each time the device comes back.
    const breaks = (offline.get(event.device) ?? []).filter(({ to }) => to > event.at)
    const starts = [event.at, ...breaks.map(({ to }) => to)]
    const ends = [...breaks.map(({ from }) => from), Number.POSITIVE_INFINITY]
    const until = Math.min(answers.get(event.id) ?? Number.POSITIVE_INFINITY, span.to)
    const waited = Math.max(...starts.map((start, index) => Math.min(ends[index]!, until) - start))
    if (waited <= BROKERLESS_ACK_MS) return []
    const detail = `${event.id} was sent while only the broker was away and had no answer after ${Math.round(waited)} ms online`
    return [{ invariant: 'I18', anomaly: 'broker-visible', detail }]
  })
}

/** When the harness kept each device offline. */
function offlineSpans(events: Event[]): Map<string, { from: number; to: number }[]> {
  const spans = new Map<string, { from: number; to: number }[]>()
  for (const event of events) {
    if (event.type !== 'link') continue
    const own = spans.get(event.device) ?? []
    spans.set(event.device, own)
    const last = own.at(-1)
    if (!event.online) own.push({ from: event.at, to: Number.POSITIVE_INFINITY })
    else if (last) last.to = event.at
  }
  return spans
}

function brokerlessSpans(events: Event[]): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = []
  const active = new Set<string>()
  let from: number | undefined
  for (const event of events) {
    if (event.type !== 'fault') continue
    if (from !== undefined) spans.push({ from, to: event.at })
    const name = `${event.what} ${event.target}`
    if (event.phase === 'begin') active.add(name)
    else active.delete(name)
    const only = active.size > 0 && [...active].every((fault) => fault.endsWith(' rabbitmq'))
    from = only ? event.at : undefined
  }
  return spans
}

function revoked(events: Event[]): Anomaly[] {
  const at = new Map<string, number>()
  const anomalies: Anomaly[] = []
  for (const event of events) {
    if (event.type === 'revoked') at.set(event.sessionId, event.at)
    if (event.type !== 'reached') continue
    const since = event.at - (at.get(event.sessionId) ?? Number.POSITIVE_INFINITY)
    if (since > REVOKE_MS)
      anomalies.push({
        invariant: 'I22',
        anomaly: 'revoked-but-reached',
        detail: `${event.what} reached ${event.sessionId} ${Math.round(since)} ms after its revocation`,
      })
  }
  return anomalies
}

function memory(events: Event[]): Anomaly[] {
  const first = new Map<string, number>()
  const last = new Map<string, number>()
  for (const event of events) {
    // A restarted process begins anew.
    if (event.type === 'ready') first.delete(event.target)
    if (event.type !== 'memory') continue
    if (!first.has(event.target)) first.set(event.target, event.bytes)
    last.set(event.target, Math.max(event.bytes - first.get(event.target)!, last.get(event.target) ?? 0))
  }
  return [...last]
    .filter(([, growth]) => growth > MEMORY_GROWTH_BYTES)
    .map(([target, growth]) => ({
      invariant: 'I27',
      anomaly: 'memory-growth',
      detail: `${target} grew by ${Math.round(growth / 1024 / 1024)} MiB`,
    }))
}

function restarts(events: Event[]): Anomaly[] {
  return events.flatMap((event): Anomaly[] => {
    if (event.type === 'died') return [{ invariant: 'I29', anomaly: 'died', detail: `${event.target} ended by itself` }]
    if (event.type === 'ready' && event.tookMs > READY_MS)
      return [
        {
          invariant: 'I29',
          anomaly: 'slow-start',
          detail: `${event.target} took ${Math.round(event.tookMs)} ms to be ready`,
        },
      ]
    return []
  })
}
