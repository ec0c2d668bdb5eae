import type { Anomaly, Event, History } from '../history.ts'

type Send = { at: number; device: string; id: string; conversationId: string; ackedAt: number; seq: number }

/** What order means: I4 one order for all, I5 visible in order, I6 per-device FIFO, I7 real time. */
export function orderChecks({ events, final }: History): Anomaly[] {
  const sends = acknowledged(events)
  return [...fifo(sends), ...realTime(sends), ...pages(events, sends, guestsOf(final)), ...oneOrder(events, final)]
}

/** First send and first acknowledgement of each message that got one, by conversation. */
function acknowledged(events: Event[]): Map<string, Send[]> {
  const open = new Map<string, Send>()
  const byConversation = new Map<string, Send[]>()
  for (const event of events) {
    if (event.type === 'send') {
      const name = `${event.conversationId}/${event.id}`
      if (!open.has(name)) open.set(name, { ...event, ackedAt: Number.NaN, seq: 0 })
    }
    if (event.type === 'acked') {
      const send = open.get(`${event.conversationId}/${event.id}`)
      if (!send || send.seq > 0) continue
      send.ackedAt = event.at
      send.seq = event.seq
      const list = byConversation.get(event.conversationId) ?? []
      list.push(send)
      byConversation.set(event.conversationId, list)
    }
  }
  return byConversation
}

function fifo(byConversation: Map<string, Send[]>): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const sends of byConversation.values()) {
    const last = new Map<string, Send>()
    for (const send of sends.toSorted((a, b) => a.at - b.at)) {
      const before = last.get(send.device)
      if (before && before.seq >= send.seq)
        anomalies.push({
          invariant: 'I6',
          anomaly: 'reordered',
          detail: `${send.device} sent ${before.id} before ${send.id}; they have seq ${before.seq} and ${send.seq}`,
        })
      last.set(send.device, send)
    }
  }
  return anomalies
}

/** A message sent after another was acknowledged, by whomever, comes after it: one sweep over starts and ends in time. */
function realTime(byConversation: Map<string, Send[]>): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const sends of byConversation.values()) {
    const ends = sends.toSorted((a, b) => a.ackedAt - b.ackedAt)
    let highest: Send | undefined
    let next = 0
    for (const send of sends.toSorted((a, b) => a.at - b.at)) {
      for (; next < ends.length && ends[next]!.ackedAt < send.at; next++) {
        if (!highest || ends[next]!.seq > highest.seq) highest = ends[next]
      }
      if (highest && highest.seq >= send.seq && highest.id !== send.id)
        anomalies.push({
          invariant: 'I7',
          anomaly: 'real-time-violation',
          detail: `${send.id} (seq ${send.seq}) was sent after ${highest.id} (seq ${highest.seq}) had been acknowledged`,
        })
    }
  }
  return anomalies
}

/** A page is dense, and holds at least what had been acknowledged before it was asked for. */
function pages(events: Event[], byConversation: Map<string, Send[]>, guests: Set<string>): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const page of events) {
    if (page.type !== 'page') continue
    const gap = page.messages.findIndex(
      (message, index) => index > 0 && message.seq !== page.messages[index - 1]!.seq + 1,
    )
    if (gap > 0)
      anomalies.push({
        invariant: 'I5',
        anomaly: 'poll-skip',
        detail: `a page of ${page.conversationId} goes from ${page.messages[gap - 1]!.seq} to ${page.messages[gap]!.seq}`,
      })
    // Who comes and goes may see nothing yet of what is there.
    if (page.messages.length === 0 && guests.has(`${page.conversationId} ${page.userId}`)) continue
    const newest = page.messages.at(-1)?.seq ?? 0
    const missed = byConversation
      .get(page.conversationId)
      ?.find((send) => send.ackedAt < page.startedAt && send.seq > newest)
    if (missed)
      anomalies.push({
        invariant: 'I7',
        anomaly: 'stale-read',
        detail: `a page of ${page.conversationId} ends at ${newest}, though ${missed.id} (seq ${missed.seq}) had been acknowledged`,
      })
  }
  return anomalies
}

/** Conversation and user of everyone whose membership changed after the beginning. */
function guestsOf(final: History['final']): Set<string> {
  const changes = final.conversations.flatMap(({ id, log }) =>
    log
      .filter((entry) => entry.kind !== 'created')
      .flatMap((entry) => (entry.userIds ?? []).map((userId) => `${id} ${userId}`)),
  )
  return new Set(changes)
}

/** Every view of every device renders the server's order. */
function oneOrder(events: Event[], final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  const stored = new Map(final.conversations.map((c) => [c.id, new Map(c.messages.map((m) => [m.id, m.seq]))]))
  for (const view of events) {
    if (view.type !== 'view') continue
    const positions = stored.get(view.conversationId)
    view.messages.forEach((message, index) => {
      const before = view.messages[index - 1]
      if (before && before.seq >= message.seq)
        anomalies.push({
          invariant: 'I4',
          anomaly: 'nonmonotonic-view',
          detail: `${view.device} renders seq ${before.seq} before ${message.seq}`,
        })
      const position = positions?.get(message.id)
      if (position !== undefined && position !== message.seq)
        anomalies.push({
          invariant: 'I4',
          anomaly: 'inconsistent-offset',
          detail: `${view.device} has ${message.id} at seq ${message.seq}, the store at ${position}`,
        })
    })
  }
  return anomalies
}
