import { setTimeout as pause } from 'node:timers/promises'
import { connectAll, nextId, type RawClient } from './client.ts'
import { median } from './stats.ts'
import type { Subject } from './subject.ts'

const CONNECTIONS = 1_000
const WARM_MS = 1_500
const WINDOW_MS = 3_000
const TEXT = 'a message of about a hundred bytes, as people write them when they have something short to say: yes!'

export interface FanOut {
  cpuMicrosPerDelivery: number
  deliveriesPerSecond: number
}

/** 1,000 connections in rooms of that size, `outstanding` messages under way in each room, all from its first member. */
export async function rooms(subject: Subject, size: number, outstanding: number): Promise<FanOut> {
  const users = Array.from({ length: CONNECTIONS }, (_, user) => user)
  const clients = await connectAll(users, (user) => subject.connect(user))
  const ids: [RawClient, string][] = []
  for (let first = 0; first < CONNECTIONS; first += size) {
    ids.push([
      clients[first]!,
      await subject.group(users.slice(first, first + size), clients.slice(first, first + size)),
    ])
  }
  let deliveries = 0
  let stopped = false
  for (const client of clients) {
    client.onEvent = (body) => {
      if (body.startsWith('["message.new"')) deliveries++
    }
  }
  const run = size.toString(16).padStart(8, 'd')
  for (const [sender, conversationId] of ids) {
    const send = (): void =>
      sender.emit('message.send', `{"id":"${nextId(run)}","conversationId":"${conversationId}","text":"${TEXT}"}`, 1)
    sender.onAck = (_number, body) => {
      if (!body.startsWith('[{"ok":true')) throw new Error(`${subject.name} refused: ${body}`)
      if (!stopped) send()
    }
    for (let sent = 0; sent < outstanding; sent++) send()
  }
  await pause(WARM_MS)
  const windows: FanOut[] = []
  for (let window = 0; window < 3; window++) {
    const begun = performance.now()
    const before = { cpu: subject.served.cpuMicros(), deliveries }
    await pause(WINDOW_MS)
    const count = deliveries - before.deliveries
    windows.push({
      cpuMicrosPerDelivery: (subject.served.cpuMicros() - before.cpu) / count,
      deliveriesPerSecond: count / ((performance.now() - begun) / 1000),
    })
  }
  stopped = true
  await pause(500)
  for (const client of clients) client.close()
  return {
    cpuMicrosPerDelivery: median(windows.map((w) => w.cpuMicrosPerDelivery)),
    deliveriesPerSecond: median(windows.map((w) => w.deliveriesPerSecond)),
  }
}
