import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connectAll, nextId } from './client.ts'
import { median } from './stats.ts'
import type { Subject } from './subject.ts'

/** In rooms of that size, or one room that is larger. */
const CONNECTIONS = 1_000
const CONNECT_MS = 60_000
const WARM_MS = 1_500
const WINDOW_MS = 3_000
const TEXT = 'a message of about a hundred bytes, as people write them when they have something short to say: yes!'

export interface FanOut {
  cpuMicrosPerDelivery: number
  deliveriesPerSecond: number
}

/** How many connections, of a user each, there are for rooms of that size. */
export const connectionsFor = (size: number): number => Math.max(CONNECTIONS, size)

/**
 * 1,000 connections in rooms of that size, or one larger room; `outstanding` messages under way in each room, all from its first
 * member: the next is sent when one is acknowledged and has reached all others, so that none waits in the server. Rejects when this machine cannot have so many connections, or not within a minute.
 */
export async function rooms(subject: Subject, size: number, outstanding: number): Promise<FanOut> {
  const connections = connectionsFor(size)
  mustHaveFiles(connections)
  const users = Array.from({ length: connections }, (_, user) => user)
  const late = pause(CONNECT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${subject.name}: ${connections} connections took more than ${CONNECT_MS / 1_000} s`)
  })
  const clients = await Promise.race([late, connectAll(users, (user) => subject.connect(user))])
  const starts: (() => void)[] = []
  let deliveries = 0
  let stopped = false
  const run = size.toString(16).padStart(8, 'd')
  for (let first = 0; first < connections; first += size) {
    const members = clients.slice(first, first + size)
    const [sender, ...others] = members
    const id = await subject.group(users.slice(first, first + size), members)
    const room = { sent: 0, acked: 0, delivered: 0 }
    const send = (): void => {
      const done = Math.min(room.acked, Math.floor(room.delivered / others.length))
      for (; !stopped && room.sent < done + outstanding; room.sent++)
        sender!.emit('message.send', `{"id":"${nextId(run)}","conversationId":"${id}","text":"${TEXT}"}`, 1)
    }
    sender!.onAck = (_number, body) => {
      if (!body.startsWith('[{"ok":true')) throw new Error(`${subject.name} refused: ${body}`)
      room.acked++
      send()
    }
    for (const client of others) {
      client.onEvent = (body) => {
        if (!body.startsWith('["message.new"')) return
        deliveries++
        if (++room.delivered % others.length === 0) send()
      }
    }
    starts.push(send)
  }
  for (const start of starts) start()
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

/** Files that a process has open beside its connections. */
const OTHER_FILES = 200

/** The servers have the same limit: they are children of this process. */
function mustHaveFiles(connections: number): void {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.NaN)
  if (limit < connections + OTHER_FILES)
    throw new Error(
      `${connections} connections need ${connections + OTHER_FILES} open files, and the limit is ${limit}: raise it with ulimit -n`,
    )
}
