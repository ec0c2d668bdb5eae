import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '@parley/chat/sqlite'
import { nextId } from './client.ts'
import { percentile } from './stats.ts'

const CONVERSATIONS = 20_000
const BATCH = 5_000
const READS = 5_000
const PAGE = 50
const TEXT = 'one of very many messages, of fifty bytes or so.'

export interface Depth {
  messages: number
  fillPerSecond: number
  /** In the store alone, on the calling thread. */
  lastPageMs: { p50: number; p99: number }
}

/** A store of very many messages in 20,000 conversations, few of which have most; then the last 50 of any that has as many. */
export async function depth(messages: number): Promise<Depth> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-depth-'))
  try {
    await using store = await sqliteStore(join(folder, 'chat.db'))
    const contentHash = randomBytes(16).toString('hex')
    const people = [randomUUID(), randomUUID()] as const
    const ids = Array.from({ length: CONVERSATIONS }, () => randomUUID())
    const heads = new Map<string, number>()
    const members = people.map((userId) => ({ userId, role: 'member' as const }))
    await inBatches(CONVERSATIONS, (n) => {
      const place = { conversationId: ids[n]!, id: ids[n]!, senderId: people[0], contentHash }
      return store.log.append({ ...place, kind: 'created', conversationKind: 'direct', title: '', members })
    })
    const begun = performance.now()
    await inBatches(messages, (n) => {
      // The cube makes a few conversations long and most of them short, as they are.
      const conversationId = ids[Math.floor(CONVERSATIONS * Math.random() ** 3)]!
      heads.set(conversationId, (heads.get(conversationId) ?? 0) + 1)
      const place = { conversationId, id: nextId('dddddddd'), senderId: people[n % 2]!, contentHash, membersRev: 1 }
      return store.log.append({ ...place, kind: 'message', text: TEXT })
    })
    const fillPerSecond = messages / ((performance.now() - begun) / 1000)
    const long = [...heads].filter(([, head]) => head >= PAGE)
    const times: number[] = []
    for (let read = 0; read < READS; read++) {
      const [id, head] = long[Math.floor(Math.random() * long.length)]!
      const started = performance.now()
      const page = await store.log.readMessages(id, head - PAGE + 1, head)
      times.push(performance.now() - started)
      if (page.length !== PAGE) throw new Error(`a page of ${page.length}`)
    }
    return { messages, fillPerSecond, lastPageMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function inBatches(count: number, one: (n: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => one(from + n)))
}
