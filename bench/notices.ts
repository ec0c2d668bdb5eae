import { setTimeout as pause } from 'node:timers/promises'
import type { PushService } from '@parley/infra/push-service'
import { connectAll, nextId } from './client.ts'
import { call, type Subject } from './subject.ts'

export const SENDERS = 50
const PER_SECOND = 1_000
const TICK_MS = 20
const WARM_MS = 8_000
const WINDOW_MS = 15_000
const EMPTY_MS = 60_000
const AT_ONCE = 50
const TEXT = 'a message of about a hundred bytes, as people write them when they have something short to say: yes!'

export interface Notices {
  /** Of the whole server, per message sent. */
  cpuMicrosPerMessage: number
  pushesPerSecond: number
  /** From the last message until nothing waits any more: no push planned, and each one's last message pushed. */
  emptyMs: number
}

/** `receivers` users are away and are sent 1,000 messages a second by others who are here. Users from `receivers` on are the senders. */
export async function notices(
  subject: Subject,
  receivers: number,
  push: PushService | undefined,
  internalPort: number,
): Promise<Notices> {
  const { served } = subject
  if (push) await register(subject, receivers, push)
  const senders = Array.from({ length: SENDERS }, (_, n) => receivers + n)
  const clients = await connectAll(senders, (user) => subject.connect(user))
  const conversations: string[] = []
  for (let from = 0; from < receivers; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, receivers - from) }, (_, n) => from + n)
    conversations.push(...(await Promise.all(some.map((user) => subject.direct(senders[user % SENDERS]!, user)))))
  }
  for (const client of clients) {
    client.onAck = (_number, body) => {
      if (!body.startsWith('[{"ok":true')) throw new Error(`a message was refused: ${body}`)
    }
  }
  let sent = 0
  let sending = true
  const begun = performance.now()
  const run = (async () => {
    while (sending) {
      for (const due = ((performance.now() - begun) * PER_SECOND) / 1_000; sent < due; sent++) {
        const to = sent % receivers
        const message = `{"id":"${nextId('dddddddd')}","conversationId":"${conversations[to]}","text":"${TEXT}"}`
        clients[to % SENDERS]!.emit('message.send', message, 1)
      }
      await pause(TICK_MS)
    }
  })()
  await pause(WARM_MS)
  const before = { cpu: served.cpuMicros(), sent, pushed: push?.pushed.length ?? 0, at: performance.now() }
  await pause(WINDOW_MS)
  const seconds = (performance.now() - before.at) / 1_000
  const cpuMicrosPerMessage = (served.cpuMicros() - before.cpu) / (sent - before.sent)
  const pushesPerSecond = ((push?.pushed.length ?? 0) - before.pushed) / seconds
  sending = false
  await run
  const ended = performance.now()
  await empty(push, conversations, sent, internalPort)
  for (const client of clients) client.close()
  return { cpuMicrosPerMessage, pushesPerSecond, emptyMs: performance.now() - ended }
}

async function register(subject: Subject, receivers: number, push: PushService): Promise<void> {
  const { url } = subject.served
  const { publicKey } = (await call(url, subject.token(0), 'GET', '/api/notifications/push-key')) as {
    publicKey: string
  }
  for (let from = 0; from < receivers; from += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, receivers - from) }, (_, n) => {
        const { subscription } = push.subscribe(publicKey)
        return call(url, subject.token(from + n), 'POST', '/api/devices', { ...subscription, name: 'bench' })
      }),
    )
}

/** Resolves when the latest message of every conversation was pushed, and the ledger says that nothing is open. */
async function empty(
  push: PushService | undefined,
  conversations: readonly string[],
  sent: number,
  internalPort: number,
): Promise<void> {
  if (!push) return
  const last = new Map(conversations.map((id, n) => [id, Math.ceil((sent - n) / conversations.length)]))
  const until = Date.now() + EMPTY_MS
  for (let seen = 0; ; await pause(100)) {
    for (; seen < push.pushed.length; seen++) {
      const { conversationId, seq } = push.pushed[seen]!.body as { conversationId: string; seq: number }
      if (last.get(conversationId) === seq) last.delete(conversationId)
    }
    if (last.size === 0 && (await open(internalPort)) === 0) return
    if (Date.now() > until) throw new Error(`${last.size} conversations were not pushed after ${EMPTY_MS} ms`)
  }
}

async function open(internalPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${internalPort}/metrics`)).text()
  return Number(/^parley_deliveries_open\{channel="push"\} (\d+)/m.exec(text)?.[1])
}
