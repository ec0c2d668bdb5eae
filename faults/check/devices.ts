import type { Anomaly, Event, History } from '../history.ts'

/** How long a device may take to hold everything once the last fault is over. */
export const CONVERGE_MS = 10_000

/** What each device must hold and show: I8 convergence, I9 no duplicate, I10 no silent gap, I14 status only forward, I15 unread, I17 own outbox empty. */
export function deviceChecks({ events, final }: History): Anomaly[] {
  return [...duplicates(events), ...gaps(events), ...statuses(events), ...converged(final), ...unread(final)]
}

function duplicates(events: Event[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const shown = new Map<string, Set<string>>()
  for (const event of events) {
    if (event.type === 'wiped') shown.delete(event.device)
    if (event.type !== 'shown') continue
    const { id, conversationId, seq } = event.message
    const seen = shown.get(event.device) ?? new Set()
    shown.set(event.device, seen)
    for (const name of [`${conversationId}/${id}`, `${conversationId}#${seq}`]) {
      if (seen.has(name))
        anomalies.push({ invariant: 'I9', anomaly: 'duplicate', detail: `${event.device} showed ${name} twice` })
      seen.add(name)
    }
  }
  return anomalies
}

function gaps(events: Event[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const view of events) {
    if (view.type !== 'view') continue
    const gap = view.messages.findIndex(
      (message, index) => index > 0 && message.seq > view.messages[index - 1]!.seq + 1,
    )
    if (gap > 0)
      anomalies.push({
        invariant: 'I10',
        anomaly: 'silent-gap',
        detail: `${view.device} renders ${view.conversationId} from seq ${view.messages[gap - 1]!.seq} to ${view.messages[gap]!.seq}`,
      })
  }
  return anomalies
}

const STEPS = ['pending', 'sent', 'delivered', 'read']

function statuses(events: Event[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const reached = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'wiped')
      for (const name of reached.keys()) if (name.startsWith(`${event.device} `)) reached.delete(name)
    if (event.type !== 'view') continue
    for (const message of event.messages) {
      if (!message.mine) continue
      const name = `${event.device} ${message.id}`
      const step = STEPS.indexOf(message.status)
      if (step < (reached.get(name) ?? 0))
        anomalies.push({
          invariant: 'I14',
          anomaly: 'status-regression',
          detail: `${event.device} shows ${message.id} as ${message.status} after ${STEPS[reached.get(name)!]}`,
        })
      else reached.set(name, step)
    }
  }
  return anomalies
}

function converged(final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const device of final.devices) {
    if (device.settledMs === undefined || device.settledMs > CONVERGE_MS)
      anomalies.push({
        invariant: 'I8',
        anomaly: 'not-converged',
        detail: `${device.device} ${device.settledMs === undefined ? 'never settled' : `took ${Math.round(device.settledMs)} ms to settle`}`,
      })
    if (device.outbox > 0)
      anomalies.push({
        invariant: 'I17',
        anomaly: 'outbox-stuck',
        detail: `${device.device} still has ${device.outbox} messages to send`,
      })
    for (const conversation of final.conversations) {
      const member = conversation.members.find((m) => m.userId === device.userId)
      const held = device.conversations.find((c) => c.id === conversation.id)
      if (!member) {
        if (held)
          anomalies.push({
            invariant: 'I11',
            anomaly: 'kept-after-removal',
            detail: `${device.device} still holds ${conversation.id}`,
          })
        continue
      }
      const visible = conversation.messages.filter((message) => message.seq >= member.fromSeq)
      // One's own list leaves a direct conversation out while it is empty.
      if (!held) {
        if (visible.length > 0)
          anomalies.push({
            invariant: 'I8',
            anomaly: 'lost-conversation',
            detail: `${device.device} does not know ${conversation.id}`,
          })
        continue
      }
      const expected = held.hasOlder ? visible.slice(visible.length - held.messages.length) : visible
      const wrong =
        held.messages.length !== expected.length ||
        expected.some(
          (m, i) =>
            held.messages[i]!.id !== m.id || held.messages[i]!.seq !== m.seq || held.messages[i]!.text !== m.text,
        )
      if (wrong)
        anomalies.push({
          invariant: 'I8',
          anomaly: 'diverged',
          detail: `${device.device} holds ${held.messages.length} messages of ${conversation.id} (${range(held.messages)}), the store has ${range(visible)}`,
        })
    }
  }
  return anomalies
}

function unread(final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const conversation of final.conversations) {
    for (const member of conversation.members) {
      const readSeq = conversation.marks.find((m) => m.userId === member.userId)?.readSeq ?? 0
      const expected = conversation.messages.filter(
        (m) => m.seq > readSeq && m.seq >= member.fromSeq && m.senderId !== member.userId && !m.deleted,
      ).length
      const said = [
        ...conversation.unread
          .filter((u) => u.userId === member.userId)
          .map((u) => ({ who: 'the server', unread: u.unread })),
        ...final.devices
          .filter((d) => d.userId === member.userId)
          .flatMap((d) =>
            d.conversations.filter((c) => c.id === conversation.id).map((c) => ({ who: d.device, unread: c.unread })),
          ),
      ]
      for (const { who, unread } of said) {
        if (unread !== Math.min(expected, 1000))
          anomalies.push({
            invariant: 'I15',
            anomaly: 'wrong-unread',
            detail: `${who} says that ${member.userId} has ${unread} unread in ${conversation.id}; ${expected} are`,
          })
      }
    }
  }
  return anomalies
}

const range = (messages: { seq: number }[]): string =>
  messages.length === 0 ? 'none' : `${messages[0]!.seq}–${messages.at(-1)!.seq}`
