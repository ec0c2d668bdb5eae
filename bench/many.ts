import { setTimeout as pause } from 'node:timers/promises'
import type { SyncPage } from '@parley/protocol/conversation'
import { percentile } from './stats.ts'
import { call, type Subject } from './subject.ts'

const CHANGED = 20
const ROUNDS = 200
const AT_ONCE = 50
const RELAYED_MS = 10_000

export interface Many {
  /** What a sync takes for whoever is in so many conversations, 20 of which changed since. */
  syncMs: { p50: number; p99: number }
  /** What the store was asked for by one of these. */
  storeReads: number
}

/** Two users have `conversations` groups together. Again and again one writes in 20 of them, and the other asks what is new. */
export async function many(subject: Subject, conversations: number, internalPort: number): Promise<Many> {
  const { url } = subject.served
  const [token, others] = [subject.token(0), subject.token(1)]
  const ids: string[] = []
  const make = async (): Promise<void> => {
    const group = { title: 'One of many', memberIds: [subject.userId(1)] }
    ids.push(((await call(url, token, 'POST', '/api/conversations', group)) as { id: string }).id)
  }
  for (let from = 0; from < conversations; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, conversations - from) }, make))
  const news = async (cursor: string): Promise<SyncPage> =>
    (await call(
      url,
      token,
      'GET',
      `/api/sync?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )) as SyncPage

  let cursor = ''
  for (let quiet = 0; quiet < 3; ) {
    const page = await news(cursor)
    cursor = page.cursor
    quiet = page.items.length === 0 ? quiet + 1 : 0
    if (page.items.length === 0) await pause(200)
  }
  const times: number[] = []
  let reads = 0
  for (let round = 0; round < ROUNDS; round++) {
    const changed = Array.from({ length: CHANGED }, (_, n) => ids[(round * 997 + n * 211) % ids.length]!)
    await Promise.all(
      changed.map((receiverId) => call(url, others, 'POST', '/api/messages/send', { receiverId, message: 'news' })),
    )
    // Asked until the relay has raised all of them; then once more, which is the question that counts.
    const until = Date.now() + RELAYED_MS
    while ((await news(cursor)).items.length < CHANGED)
      if (Date.now() > until) throw new Error(`no ${CHANGED} changes after ${RELAYED_MS} ms`)
    const before = await storeReads(internalPort)
    const started = performance.now()
    const page = await news(cursor)
    times.push(performance.now() - started)
    reads += (await storeReads(internalPort)) - before
    if (page.items.length !== CHANGED) throw new Error(`${page.items.length} changes, not ${CHANGED}`)
    cursor = page.cursor
  }
  return { syncMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }, storeReads: reads / ROUNDS }
}

/** What the store has been asked for so far. */
export async function storeReads(internalPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${internalPort}/metrics`)).text()
  return Number(/^parley_store_reads_total (\d+)/m.exec(text)?.[1])
}
