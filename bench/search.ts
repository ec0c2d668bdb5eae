import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sqliteStore } from '@parley/chat/sqlite'
import { nextId } from './client.ts'
import { median, percentile } from './stats.ts'

const CONVERSATIONS = 5_000
/** Those that the searcher is in. */
const MINE = 400
const BATCH = 5_000
const QUERIES = 200
const WORDS = 20_000
const SENT = 60_000
const SENDING_RUNS = 3
const QUIET_MICROS = 10_000

type Store = Awaited<ReturnType<typeof sqliteStore>>

export interface Searched {
  messages: number
  fillPerSecond: number
  indexSeconds: number
  indexCpuMicrosPerMessage: number
  indexBytesPerMessage: number
  /** Of each kind of query, and of all together. */
  queryMs: { kind: string; p50: number; p99: number }[]
  /** Server CPU of a message that is appended, all threads, until it is indexed too, as the median of three runs by turns. */
  sendCpuMicros: { with: number; without: number }
}

/** Very many messages in 5,000 conversations, of which the searcher is in 400; then searches of many kinds, one at a time. */
export async function search(messages: number): Promise<Searched> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-search-'))
  const path = join(folder, 'chat.db')
  try {
    const world = makeWorld()
    const fillPerSecond = await filled(path, world, messages)
    const indexed = await index(path, messages)
    await using store = await sqliteStore(path)
    const queryMs = await ask(store, world)
    await store[Symbol.asyncDispose]()
    const sendCpuMicros = await send(folder, world)
    const indexBytesPerMessage = statSync(join(folder, 'search.db')).size / messages
    return { messages, fillPerSecond, ...indexed, indexBytesPerMessage, queryMs, sendCpuMicros }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type World = ReturnType<typeof makeWorld>

function makeWorld() {
  const me = randomUUID()
  const friend = randomUUID()
  const others = Array.from({ length: 500 }, () => randomUUID())
  const conversations = Array.from({ length: CONVERSATIONS }, (_, n) => ({
    id: randomUUID(),
    members: n < MINE ? [me, friend, others[n]!] : [others[n % 500]!, others[(n * 7 + 1) % 500]!],
  }))
  return { me, friend, conversations, words: vocabulary() }
}

/** Words as often as words are: the n-th most frequent about 1/n times as often as the first. */
function vocabulary() {
  const syllables = ['ba', 'ne', 'ti', 'lo', 'ra', 'ken', 'dis', 'mor', 'pla', 'ster', 'ung', 'ei', 'ou', 'sch', 'tra']
  const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)]!
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: 1 + Math.floor(Math.random() * 4) }, () => pick(syllables)).join(''),
  )
  const signs = Array.from({ length: 2_000 }, (_, n) => String.fromCodePoint(0x4e00 + n))
  const common = (count: number): number => Math.floor(count ** Math.random()) - 1
  return {
    words,
    signs,
    sentence(): string {
      if (Math.random() < 0.05) return Array.from({ length: 12 }, () => signs[common(signs.length)]!).join('')
      return Array.from({ length: 3 + Math.floor(Math.random() * 10) }, () => words[common(WORDS)]!).join(' ')
    },
  }
}

const contentHash = randomBytes(16).toString('hex')

async function filled(path: string, { conversations, words }: World, messages: number): Promise<number> {
  await using store = await sqliteStore(path, { search: false })
  await inBatches(CONVERSATIONS, (n) => {
    const { id, members } = conversations[n]!
    const people = members.map((userId) => ({ userId, role: 'member' as const }))
    const place = { conversationId: id, id, senderId: members[0]!, contentHash }
    return store.log.append({ ...place, kind: 'created', conversationKind: 'group', title: 'A room', members: people })
  })
  const begun = performance.now()
  await inBatches(messages, () => say(store, conversations, words.sentence()))
  return messages / ((performance.now() - begun) / 1000)
}

function say(store: Store, conversations: World['conversations'], text: string): Promise<unknown> {
  // The square makes a few conversations long and most of them short.
  const { id, members } = conversations[Math.floor(((Math.random() ** 2 * 7_919) % 1) * CONVERSATIONS)]!
  const senderId = members[Math.floor(Math.random() * members.length)]!
  const place = { conversationId: id, id: nextId('cccccccc'), senderId, contentHash, membersRev: 1 }
  return store.log.append({ ...place, kind: 'message', text })
}

/** From nothing to the whole log, in a store that does nothing else. */
async function index(
  path: string,
  messages: number,
): Promise<Pick<Searched, 'indexSeconds' | 'indexCpuMicrosPerMessage'>> {
  const begun = performance.now()
  const before = process.cpuUsage()
  await using store = await sqliteStore(path)
  const anyone = randomUUID()
  while ((await store.search.find({ userId: anyone, terms: ['x'], limit: 1 })).behind) await pause(200)
  const { user, system } = process.cpuUsage(before)
  return { indexSeconds: (performance.now() - begun) / 1000, indexCpuMicrosPerMessage: (user + system) / messages }
}

async function ask(store: Store, { me, friend, conversations, words }: World): Promise<Searched['queryMs']> {
  const some = (from: number, to: number): string => words.words[Math.floor(from + Math.random() * (to - from))]!
  const mine = (): string => conversations[Math.floor(Math.random() * MINE)]!.id
  const kinds: Record<string, () => Partial<Parameters<Store['search']['find']>[0]>> = {
    'a rare word': () => ({ terms: [some(10_000, WORDS)] }),
    'a common word': () => ({ terms: [some(0, 20)] }),
    'two words': () => ({ terms: [some(0, 50), some(200, 2_000)] }),
    'two letters': () => ({ terms: [some(0, WORDS).slice(0, 2)] }),
    'one Chinese character': () => ({ terms: [words.signs[Math.floor(Math.random() * 2_000)]!] }),
    'a word in one conversation': () => ({ terms: [some(0, 5_000)], within: { ids: [mine()], titles: [] } }),
    'a word from someone': () => ({ terms: [some(0, 5_000)], senderIds: [friend] }),
    'what is nowhere': () => ({ terms: ['xyzzy'] }),
    'what is nowhere, of common parts': () => ({ terms: ['sterungsterungsterung'] }),
  }
  const results: Searched['queryMs'] = []
  const all: number[] = []
  for (const [kind, make] of Object.entries(kinds)) {
    const times: number[] = []
    for (let query = 0; query < QUERIES; query++) {
      const started = performance.now()
      await store.search.find({ userId: me, terms: [], limit: 20, ...make() })
      times.push(performance.now() - started)
    }
    all.push(...times)
    results.push({ kind, p50: percentile(times, 0.5), p99: percentile(times, 0.99) })
  }
  return [...results, { kind: 'all of these', p50: percentile(all, 0.5), p99: percentile(all, 0.99) }]
}

/** The same messages into fresh stores with and without an index, by turns. */
async function send(folder: string, { conversations, words }: World): Promise<Searched['sendCpuMicros']> {
  const texts = Array.from({ length: SENT }, words.sentence)
  const cost = { with: [] as number[], without: [] as number[] }
  for (let run = 0; run < SENDING_RUNS; run++) {
    for (const how of ['with', 'without'] as const) {
      const place = mkdtempSync(join(folder, 'send-'))
      await using store = await sqliteStore(join(place, 'chat.db'), { search: how === 'with' })
      const some = conversations.slice(0, 200)
      await inBatches(some.length, (n) => {
        const { id, members } = some[n]!
        const people = members.map((userId) => ({ userId, role: 'member' as const }))
        const draft = { conversationId: id, id, senderId: members[0]!, contentHash, members: people, title: 'A room' }
        return store.log.append({ ...draft, kind: 'created', conversationKind: 'group' })
      })
      const before = process.cpuUsage()
      for (let from = 0; from < SENT; from += 16)
        await Promise.all(texts.slice(from, from + 16).map((text, n) => saidIn(store, some[(from + n) % 200]!, text)))
      await quiet()
      const { user, system } = process.cpuUsage(before)
      cost[how].push((user + system) / SENT)
    }
  }
  return { with: median(cost.with), without: median(cost.without) }
}

/** Until the process does nothing for half a second: what is indexed in the background costs, too. */
async function quiet(): Promise<void> {
  for (;;) {
    const before = process.cpuUsage()
    await pause(500)
    const { user, system } = process.cpuUsage(before)
    if (user + system < QUIET_MICROS) return
  }
}

function saidIn(store: Store, { id, members }: World['conversations'][number], text: string): Promise<unknown> {
  const place = { conversationId: id, id: nextId('bbbbbbbb'), senderId: members[0]!, contentHash, membersRev: 1 }
  return store.log.append({ ...place, kind: 'message', text })
}

async function inBatches(count: number, one: (n: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => one(from + n)))
}
