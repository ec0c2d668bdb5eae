import { setTimeout as pause } from 'node:timers/promises'
import { nextId } from './client.ts'
import { percentile } from './stats.ts'
import { call, type Subject } from './subject.ts'

/** One socket: each further one of its user would be sent a copy of all. */
const OUTSTANDING = 256
const PAGES = 1_000
/** Calls that are not counted: what both ends compile on their first ones takes longer than a page. */
const WARM_CALLS = 300
const TEXT = 'one of very many messages'

export interface Pages {
  messages: number
  /** How fast they were sent, all into one conversation. */
  fillPerSecond: number
  /** What a call takes that reads nothing and knows nobody, by the same client at the same time. */
  emptyMs: { p50: number; p99: number }
  historyMs: { p50: number; p99: number }
  syncMs: { p50: number; p99: number }
}

/** One conversation of very many messages; then pages of 50 of it, from anywhere, one at a time, as a client waits for them. */
export async function pages(subject: Subject, messages: number): Promise<Pages> {
  const conversationId = await subject.direct(0, 1)
  const begun = performance.now()
  await fill(subject, conversationId, messages)
  const fillPerSecond = messages / ((performance.now() - begun) / 1000)
  await pause(2_000)
  const token = subject.token(0)
  for (let warm = 0; warm < WARM_CALLS; warm++)
    await call(subject.served.url, token, 'GET', `/api/messages/get/${subject.userId(1)}?limit=50`)
  const emptyMs: number[] = []
  const historyMs: number[] = []
  const syncMs: number[] = []
  let cursor = ''
  for (let page = 0; page < PAGES; page++) {
    const begun = performance.now()
    await call(subject.served.url, undefined, 'GET', '/healthz')
    emptyMs.push(performance.now() - begun)
    const started = performance.now()
    const reply = await call(
      subject.served.url,
      token,
      'GET',
      `/api/messages/get/${subject.userId(1)}?limit=50${cursor}`,
    )
    historyMs.push(performance.now() - started)
    const { conversation, prevCursor } = reply as { conversation: unknown[]; prevCursor?: string }
    if (conversation.length !== 50) throw new Error(`a page of ${conversation.length}`)
    cursor = prevCursor === undefined ? '' : `&before=${encodeURIComponent(prevCursor)}`
  }
  for (let page = 0; page < PAGES; page++) {
    const after = Math.floor(Math.random() * (messages - 50))
    const started = performance.now()
    await call(subject.served.url, token, 'GET', `/api/conversations/${conversationId}/log?after=${after}&limit=50`)
    syncMs.push(performance.now() - started)
  }
  return {
    messages,
    fillPerSecond,
    emptyMs: { p50: percentile(emptyMs, 0.5), p99: percentile(emptyMs, 0.99) },
    historyMs: { p50: percentile(historyMs, 0.5), p99: percentile(historyMs, 0.99) },
    syncMs: { p50: percentile(syncMs, 0.5), p99: percentile(syncMs, 0.99) },
  }
}

async function fill(subject: Subject, conversationId: string, messages: number): Promise<void> {
  const client = await subject.connect(0)
  let sent = 0
  let acked = 0
  const done = Promise.withResolvers<void>()
  const send = (): void => {
    if (sent++ >= messages) return
    client.emit(
      'message.send',
      `{"id":"${nextId('eeeeeeee')}","conversationId":"${conversationId}","text":"${TEXT}"}`,
      1,
    )
  }
  client.onAck = (_number, body) => {
    if (!body.startsWith('[{"ok":true')) return done.reject(new Error(body))
    if (++acked === messages) done.resolve()
    send()
  }
  for (let first = 0; first < OUTSTANDING; first++) send()
  await done.promise
  client.close()
}
