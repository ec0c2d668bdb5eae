import { type ClientOptions, createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import type { Amendment, OutboxItem, ParleyClient, TimelineMessage } from '@parley/sdk/types'
import type { Outstanding } from './outstanding.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import type { Rest } from './rest.ts'

/** One device of one user: an SDK client whose storage outlives it, and everything that it shows written down. */
export interface Device {
  readonly name: string
  readonly userId: string
  client: ParleyClient
  /** Whether the harness lets it be connected. */
  readonly online: boolean
  goOffline(): void
  comeBack(): void
  /** Ends the client without a word and starts another on the same storage, as a killed app does. */
  restart(): Promise<void>
  /** Opens conversations, as somebody who looks at them; keeps them open over restarts. */
  open(conversationIds: readonly string[]): Promise<void>
  /** Tells the device to change a message that it shows. */
  change(message: TimelineMessage, action: Amendment): Promise<void>
  /** Somebody uses the device, or puts it away: people are pushed to only while none of theirs is in use. At first it lies there. */
  use(active: boolean): void
  /** Writes down what the device renders of a conversation. */
  view(conversationId: string): void
}

export interface Person {
  readonly username: string
  readonly email: string
  readonly rest: Rest
  readonly devices: Device[]
}

export const PASSWORD = 'correct horse battery'

/** Logs a device in and keeps it connected. */
export async function openDevice(
  url: string,
  name: string,
  person: { email: string; userId: string },
  recorder: Recorder,
  outstanding: Outstanding,
): Promise<Device> {
  const storage = memoryStorage()
  const opened = new Set<string>()
  let inUse = false
  const options: ClientOptions = { url, storage, tokens: 'body', deviceName: name, transports: ['websocket'] }
  const device: Device & { online: boolean } = {
    name,
    userId: person.userId,
    client: watched(),
    online: true,
    goOffline() {
      link(false)
      device.client.disconnect()
    },
    comeBack() {
      device.client.connect()
      link(true)
    },
    async restart() {
      link(false)
      await device.client.close()
      device.client = watched()
      // Refused only if the session ended, which is the harness's own doing and does not happen to devices.
      await device.client.resume()
      device.comeBack()
      void device.open([])
      lookAtAlerts()
    },
    async open(conversationIds) {
      for (const id of conversationIds) opened.add(id)
      // Refused where one is no member at the moment; a lost network is tried again by whoever looks next.
      await Promise.allSettled([...opened].map((id) => device.client.timeline(id).open()))
    },
    use(on) {
      inUse = on
      device.client.setActive(on)
    },
    async change(message, action) {
      const { conversationId, id: messageId } = message
      const at = recorder.now()
      const { id } = await amend(device.client, message, action)
      const { userId } = person
      recorder.note({ type: 'change', device: name, userId, id, conversationId, messageId, action }, at)
    },
    view(conversationId) {
      const { messages } = device.client.timeline(conversationId).get()
      const rows = messages.map(({ id, seq, status, mine }) => ({ id, seq, status, mine }))
      recorder.note({ type: 'view', device: name, userId: person.userId, conversationId, messages: rows })
    },
  }

  /** From now on the device shows what one is alerted to; refused while the service is away, and tried again when it connects. */
  function lookAtAlerts(): void {
    device.client.alerts.load().catch(() => undefined)
  }

  function link(online: boolean): void {
    device.online = online
    recorder.note({ type: 'link', device: name, online })
  }

  function watched(): ParleyClient {
    const client = createClient(options)
    client.setActive(inUse)
    const refused = new Set<string>()
    let changes = new Map<string, OutboxItem>()
    client.outbox.subscribe(() => {
      const waiting = new Map(client.outbox.get().flatMap((item) => (item.change ? [[item.id, item] as const] : [])))
      const gone = [...changes.values()].filter(({ id }) => !waiting.has(id))
      changes = waiting
      // A refusal is told in the same turn, after the item is gone.
      queueMicrotask(() => {
        if (device.client !== client) return
        for (const { id, to } of gone)
          if (!refused.has(id) && 'conversationId' in to)
            recorder.note({ type: 'changed', device: name, id, conversationId: to.conversationId })
      })
    })
    client.on('message', (message) =>
      recorder.note({ type: 'shown', device: name, userId: person.userId, message: seen(message) }),
    )
    client.on('acked', (reply) => {
      outstanding.answered(reply.id)
      recorder.note({ type: 'acked', device: name, ...reply })
    })
    client.on('refused', (item) => {
      const { code } = item.refused!
      refused.add(item.id)
      outstanding.refused(item.id)
      if ('conversationId' in item.to)
        recorder.note({ type: 'refused', device: name, id: item.id, conversationId: item.to.conversationId, code })
      void client.discard(item.id)
    })
    client.on('receipt', (marks) => {
      if (marks.userId !== person.userId) recorder.note({ type: 'marks', device: name, ...marks })
    })
    return client
  }

  await device.client.login({ email: person.email, password: PASSWORD })
  device.client.connect()
  lookAtAlerts()
  return device
}

function amend(client: ParleyClient, message: TimelineMessage, action: Amendment): Promise<OutboxItem> {
  if (action.kind === 'edit') return client.edit(message, action.text)
  if (action.kind === 'delete') return client.delete(message)
  return client.react(message, action.emoji, action.on)
}

const seen = ({ id, conversationId, seq, rev, senderId, text, deleted, edits, reactions }: TimelineMessage) => ({
  id,
  conversationId,
  seq,
  rev,
  senderId,
  text,
  deleted,
  edits,
  reactions,
})

/** Devices of a person at random. */
export const anyDevice = (people: readonly Person[], { pick }: Random): { person: Person; device: Device } => {
  const person = pick(people)
  return { person, device: pick(person.devices) }
}
