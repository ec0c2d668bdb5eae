import { setTimeout as pause } from 'node:timers/promises'
import { connectAll, nextId, numberAfter, type RawClient } from './client.ts'
import type { Shares } from './profile.ts'
import { median, percentile } from './stats.ts'
import type { Subject } from './subject.ts'

const CONNECTIONS = 200
const TEXT = 'a message of about a hundred bytes, as people write them when they have something short to say: yes!'
const WARM_MS = 1_500
const WINDOW_MS = 3_000
const WINDOWS = 3

export interface Saturated {
  cpuMicrosPerMessage: number
  messagesPerSecond: number
  /** Of a window of its own, since the profiler costs too. */
  profile?: Shares
}
export interface Paced extends Saturated {
  deliveryMs: { p50: number; p99: number }
  ackMs: { p50: number; p99: number }
}

interface Pair {
  from: RawClient
  conversationId: string
  receiverId: string
}

/** Both ends of 100 direct conversations. */
async function openPairs(subject: Subject): Promise<{ clients: RawClient[]; pairs: Pair[] }> {
  const users = Array.from({ length: CONNECTIONS }, (_, user) => user)
  const clients = await connectAll(users, (user) => subject.connect(user))
  const pairs: Pair[] = []
  for (let one = 0; one < CONNECTIONS; one += 2) {
    const conversationId = await subject.direct(one, one + 1)
    pairs.push({ from: clients[one]!, conversationId, receiverId: subject.userId(one + 1) })
    pairs.push({ from: clients[one + 1]!, conversationId, receiverId: subject.userId(one) })
  }
  return { clients, pairs }
}

/** A message and the mark of its delivery: five packets. Bare Socket.IO is told whom to tell; Parley knows and refuses to be told. */
function frames(subject: Subject, pair: Pair, run: string) {
  const bare = subject.name === 'bare'
  const to = bare ? `,"receiverId":"${pair.receiverId}"` : ''
  return {
    message: () => `{"id":"${nextId(run)}","conversationId":"${pair.conversationId}"${to},"text":"${TEXT}"}`,
    mark: (seq: number) =>
      `{"conversationId":"${pair.conversationId}","upToSeq":${seq}${bare ? `,"senderId":"${pair.receiverId}"` : ''}}`,
  }
}

/** Every connection keeps `outstanding` messages under way; what the server pays for each. */
export async function saturated(subject: Subject, outstanding: number, profiled = false): Promise<Saturated> {
  const { clients, pairs } = await openPairs(subject)
  const run = outstanding.toString(16).padStart(8, 'b')
  let delivered = 0
  let stopped = false
  for (const pair of pairs) {
    const { message, mark } = frames(subject, pair, run)
    pair.from.onAck = (_number, body) => {
      if (!body.startsWith('[{"ok":true')) throw new Error(`${subject.name} refused: ${body}`)
      if (!stopped) pair.from.emit('message.send', message(), 1)
    }
    pair.from.onEvent = (body) => {
      if (!body.startsWith('["message.new"')) return
      delivered++
      pair.from.emit('receipt.delivered', mark(numberAfter(body, '"seq":')))
    }
    for (let sent = 0; sent < outstanding; sent++) pair.from.emit('message.send', message(), 1)
  }
  await pause(WARM_MS)
  const windows: Saturated[] = []
  for (let window = 0; window < WINDOWS; window++) {
    const begun = performance.now()
    const before = { cpu: subject.served.cpuMicros(), delivered }
    await pause(WINDOW_MS)
    const messages = delivered - before.delivered
    const seconds = (performance.now() - begun) / 1000
    windows.push({
      cpuMicrosPerMessage: (subject.served.cpuMicros() - before.cpu) / messages,
      messagesPerSecond: messages / seconds,
    })
  }
  const profiling = profiled ? await subject.served.profile() : undefined
  if (profiling) await pause(WINDOW_MS)
  const profile = await profiling?.stop()
  stopped = true
  await pause(300)
  for (const client of clients) client.close()
  return {
    ...(profile && { profile }),
    cpuMicrosPerMessage: median(windows.map((w) => w.cpuMicrosPerMessage)),
    messagesPerSecond: median(windows.map((w) => w.messagesPerSecond)),
  }
}

/** A steady rate, spread over all connections: what one message waits. */
export async function paced(subject: Subject, perSecond: number): Promise<Paced> {
  const { clients, pairs } = await openPairs(subject)
  const run = 'cccccccc'
  const sentAt = new Map<string, number>()
  const deliveryMs: number[] = []
  const ackMs: number[] = []
  let measuring = false
  let number = 0
  const acks = new Map<number, number>()
  const makers = pairs.map((pair) => frames(subject, pair, run))
  pairs.forEach((pair, index) => {
    pair.from.onAck = (ack) => {
      if (measuring) ackMs.push(performance.now() - acks.get(ack)!)
      acks.delete(ack)
    }
    pair.from.onEvent = (body) => {
      if (!body.startsWith('["message.new"')) return
      const at = body.indexOf('"id":"') + 6
      const id = body.slice(at, at + 36)
      if (measuring) deliveryMs.push(performance.now() - sentAt.get(id)!)
      sentAt.delete(id)
      pair.from.emit('receipt.delivered', makers[index]!.mark(numberAfter(body, '"seq":')))
    }
  })
  const begun = performance.now()
  const before = { cpu: 0, delivered: 0 }
  const until = WARM_MS + WINDOW_MS * 2
  for (let sent = 0; ; ) {
    const elapsed = performance.now() - begun
    if (elapsed > until) break
    if (!measuring && elapsed > WARM_MS) {
      measuring = true
      before.cpu = subject.served.cpuMicros()
    }
    for (const due = (elapsed / 1000) * perSecond; sent < due; sent++) {
      const pair = pairs[sent % pairs.length]!
      const json = makers[sent % pairs.length]!.message()
      sentAt.set(json.slice(7, 43), performance.now())
      acks.set(++number, performance.now())
      pair.from.emit('message.send', json, number)
    }
    await pause(1)
  }
  const cpu = subject.served.cpuMicros() - before.cpu
  for (const client of clients) client.close()
  return {
    cpuMicrosPerMessage: cpu / deliveryMs.length,
    messagesPerSecond: deliveryMs.length / ((until - WARM_MS) / 1000),
    deliveryMs: { p50: percentile(deliveryMs, 0.5), p99: percentile(deliveryMs, 0.99) },
    ackMs: { p50: percentile(ackMs, 0.5), p99: percentile(ackMs, 0.99) },
  }
}
