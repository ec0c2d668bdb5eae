import { setTimeout as pause } from 'node:timers/promises'
import type { AlertItem, AlertNews, AlertPage } from '@parley/protocol/alert'
import { io, type Socket } from 'socket.io-client'
import type { Device, Person } from './actors.ts'
import { alertChecks } from './check/alerts.ts'
import type { Final, SeenAlert } from './history.ts'
import type { Recorder } from './recorder.ts'
import type { Rest } from './rest.ts'
import type { Scene } from './workload.ts'

const ANSWER_MS = 5_000
const AGAIN_MS = 200

/** A plain socket for each person, which writes down what it is told of alerts while it is connected. Disposing disconnects them. */
export function hearAlerts(url: string, people: readonly Person[], recorder: Recorder): Disposable {
  const sockets = people.map(({ rest: { userId, token, partition } }) => {
    const socket = io(url, { transports: ['websocket'], auth: { token }, query: { p: partition }, forceNew: true })
    socket.on('alerts.changed', ({ rev, unread, items = [], gone = [], read }: AlertNews) =>
      recorder.note({
        ...{ type: 'alerted', userId, rev, unread, items: items.map(seenAlert), gone },
        ...(read && { read }),
      }),
    )
    // Nobody sits in front of it: else nothing would be pushed or mailed.
    socket.on('hello', () => void putAway(socket))
    // It comes back by itself, unless it was the server that ended it.
    socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') socket.connect()
    })
    return socket
  })
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.disconnect()
    },
  }
}

/** Says that the device is not in use, until the server has heard it or the connection is over. */
async function putAway(socket: Socket): Promise<void> {
  while (socket.connected) {
    const reply = await socket
      .timeout(ANSWER_MS)
      .emitWithAck('presence.active', { active: false })
      .catch(() => undefined)
    if (reply?.ok) return
    await pause(AGAIN_MS)
  }
}

/** Somebody opens the bell on a device, and marks one, some or all of what it shows as read. */
export async function readAlerts({ recorder, random }: Scene, device: Device): Promise<void> {
  const { alerts } = device.client
  const { items } = alerts.get()
  if (items.length === 0) return
  const all = random.chance(0.3)
  const those = (all ? items : items.slice(0, 1 + random.below(3))).map(({ id, at }) => ({ id, at }))
  const at = recorder.now()
  const kept = await alerts.markRead(all ? undefined : those.map(({ id }) => id)).then(
    () => true,
    () => false,
  )
  const upTo = all ? { upTo: items[0]!.at } : {}
  recorder.note({ type: 'alerts.read', userId: device.userId, those, ...upTo, kept }, at)
}

const AGREED_MS = 90_000

/** Reads the alerts of everybody, and what their devices show, until nothing is wrong with them: at most 90 s. */
export async function alertsAgreed(scene: Scene, final: Final): Promise<void> {
  const until = Date.now() + AGREED_MS
  for (;;) {
    final.alerts = await Promise.all(scene.people.map(({ rest }) => wholeAlerts(rest)))
    for (const { client, name } of scene.people.flatMap(({ devices }) => devices)) {
      const { loaded, unread, items } = client.alerts.get()
      const device = final.devices.find((one) => one.device === name)
      if (device) device.alerts = loaded ? { unread, items: items.map(seenAlert) } : undefined
    }
    if (alertChecks({ events: scene.recorder.events(), final }).length === 0 || Date.now() > until) return
    await pause(250)
  }
}

/** All of somebody's alerts, as they are between two changes. */
async function wholeAlerts(rest: Rest): Promise<Final['alerts'][number]> {
  for (;;) {
    const first = await rest.get<AlertPage>('/api/notifications?limit=100')
    const items = [...first.items]
    let last = first
    while (last.nextCursor !== undefined) {
      last = await rest.get<AlertPage>(`/api/notifications?limit=100&cursor=${last.nextCursor}`)
      items.push(...last.items)
    }
    const { rev, unread } = last
    if (rev === first.rev) return { userId: rest.userId, rev, unread, items: items.map(seenAlert) }
  }
}

const seenAlert = ({
  id,
  kind,
  at,
  read,
  actors,
  actorCount,
  conversationId,
  seq,
  sessionId,
}: AlertItem): SeenAlert => ({
  ...{ id, kind, at, read, actors: actors.map((actor) => actor.id), actorCount },
  ...(conversationId !== undefined && { conversationId }),
  ...(seq !== undefined && { seq }),
  ...(sessionId !== undefined && { sessionId }),
})
