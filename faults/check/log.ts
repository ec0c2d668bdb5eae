import type { Anomaly, Event, History, SeenMessage } from '../history.ts'

/** What the log must hold: I1 durable ack, I2 no phantom, I3 idempotent send, I5 dense. */
export function logChecks({ events, final }: History): Anomaly[] {
  const stored = new Map<string, SeenMessage[]>()
  for (const conversation of final.conversations) {
    for (const message of conversation.messages) append(stored, key(message.conversationId, message.id), message)
  }
  return [...durable(events, stored), ...phantoms(events, final), ...idempotent(events, stored), ...dense(final)]
}

function durable(events: Event[], stored: Map<string, SeenMessage[]>): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const ack of events) {
    if (ack.type !== 'acked') continue
    const [message] = stored.get(key(ack.conversationId, ack.id)) ?? []
    if (!message)
      anomalies.push({
        invariant: 'I1',
        anomaly: 'lost-write',
        detail: `${ack.id} was acknowledged to ${ack.device} as ${ack.conversationId}/${ack.seq} and is not stored`,
      })
    else if (message.seq !== ack.seq)
      anomalies.push({
        invariant: 'I1',
        anomaly: 'inconsistent-offset',
        detail: `${ack.id} was acknowledged as seq ${ack.seq} and is stored as ${message.seq}`,
      })
  }
  return anomalies
}

function phantoms(events: Event[], final: History['final']): Anomaly[] {
  const sent = new Map<string, { userId: string; text: string }>()
  const edited = new Set<string>()
  const refused = definitelyRefused(events)
  const acked = new Set<string>()
  for (const event of events) {
    if (event.type === 'send') sent.set(key(event.conversationId, event.id), event)
    if (event.type === 'acked') acked.add(key(event.conversationId, event.id))
    if (event.type === 'change' && event.action.kind === 'edit')
      edited.add(`${key(event.conversationId, event.messageId)} ${event.action.text}`)
  }
  const anomalies: Anomaly[] = []
  const judge = (message: SeenMessage, where: string): void => {
    const name = key(message.conversationId, message.id)
    const origin = sent.get(name)
    if (!origin)
      anomalies.push({ invariant: 'I2', anomaly: 'phantom', detail: `${message.id} (${where}) was never sent` })
    else if (
      origin.userId !== message.senderId ||
      // Which of the texts it shows, and whether it may be deleted, is looked at with the changes.
      (!message.deleted && origin.text !== message.text && !edited.has(`${name} ${message.text}`))
    )
      anomalies.push({
        invariant: 'I2',
        anomaly: 'corrupted',
        detail: `${message.id} (${where}) is not what its sender sent`,
      })
  }
  for (const event of events) if (event.type === 'shown') judge(event.message, `shown on ${event.device}`)
  for (const { messages } of final.conversations) {
    for (const message of messages) {
      judge(message, 'stored')
      const name = key(message.conversationId, message.id)
      if (refused.has(name) && !acked.has(name))
        anomalies.push({
          invariant: 'I2',
          anomaly: 'aborted-read',
          detail: `${message.id} was definitely refused and is stored`,
        })
    }
  }
  return anomalies
}

/**
 * Refused while no other copy can have been under way: one that waits in a frozen node or a cut connection may be decided on
 * later, when its sender is a member again. So: not repeated by the harness, nothing broken and the device online throughout.
 */
function definitelyRefused(events: Event[]): Set<string> {
  const refused = new Set<string>()
  const open = new Map<string, string>()
  const broken = new Set<string>()
  for (const event of events) {
    if (event.type === 'fault') {
      const name = `${event.what} ${event.target}`
      if (event.phase === 'begin') broken.add(name)
      else broken.delete(name)
      open.clear()
    }
    if (event.type === 'send' && event.online && broken.size === 0) open.set(event.id, event.device)
    if (event.type === 'copied') open.delete(event.id)
    if (event.type === 'link') for (const [id, device] of open) if (device === event.device) open.delete(id)
    if (event.type === 'refused' && open.has(event.id)) refused.add(key(event.conversationId, event.id))
  }
  return refused
}

function idempotent(events: Event[], stored: Map<string, SeenMessage[]>): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const [name, copies] of stored) {
    if (copies.length > 1)
      anomalies.push({ invariant: 'I3', anomaly: 'duplicate', detail: `${name} is stored ${copies.length} times` })
  }
  const first = new Map<string, string>()
  // Nothing is kept of a deleted text to compare with: a repeat is then known by its sender, and answered as the first was.
  const deleted = new Set<string>()
  for (const event of events) {
    if (event.type === 'change' && event.action.kind === 'delete')
      deleted.add(key(event.conversationId, event.messageId))
    if (event.type === 'acked') {
      const name = key(event.conversationId, event.id)
      const reply = `seq ${event.seq}, rev ${event.rev}, ${event.createdAt}`
      const earlier = first.get(name)
      if (earlier === undefined) first.set(name, reply)
      else if (earlier !== reply)
        anomalies.push({
          invariant: 'I3',
          anomaly: 'inconsistent-ack',
          detail: `${name} was answered with ${earlier}, then with ${reply}`,
        })
    }
    if (event.type === 'forged') {
      if (event.outcome === 'accepted' && !deleted.has(key(event.conversationId, event.id)))
        anomalies.push({
          invariant: 'I3',
          anomaly: 'overwritten',
          detail: `${event.id} was accepted again with other content`,
        })
      if (stored.get(key(event.conversationId, event.id))?.some((message) => message.text === event.text))
        anomalies.push({
          invariant: 'I3',
          anomaly: 'overwritten',
          detail: `${event.id} holds the content of a forged repeat`,
        })
    }
  }
  return anomalies
}

function dense(final: History['final']): Anomaly[] {
  const anomalies: Anomaly[] = []
  for (const { id, messages, log } of final.conversations) {
    messages.forEach((message, index) => {
      if (message.seq !== index + 1)
        anomalies.push({
          invariant: 'I5',
          anomaly: 'hole',
          detail: `${id}: message ${index + 1} has seq ${message.seq}`,
        })
    })
    log.forEach((entry, index) => {
      if (entry.rev !== index + 1)
        anomalies.push({ invariant: 'I5', anomaly: 'hole', detail: `${id}: entry ${index + 1} has rev ${entry.rev}` })
    })
  }
  return anomalies
}

const key = (conversationId: string, id: string): string => `${conversationId}/${id}`

function append<K, V>(map: Map<K, V[]>, at: K, value: V): void {
  const list = map.get(at)
  if (list) list.push(value)
  else map.set(at, [value])
}
