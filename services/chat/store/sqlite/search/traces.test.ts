import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { amendment, appended, lasting, newGroup, people, say, until } from '../../contract/world.ts'
import { sqliteStore } from '../../sqlite.ts'
import { rangeOf } from './cut.ts'
import { gramsIn, untilIndexed } from './index.fixture.ts'

/** As large as it must be for what a segment has to be in pages of its own. */
const SEGMENT = 1_024
const ANYTHING = 'abcdefghijklmnopqrstuvwxyz'

test('of what was deleted and of what disappears no byte of the index tells, wherever in the file it was', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-traces-'))
  const store = await sqliteStore(join(folder, 'chat.db'), { searchSegment: SEGMENT })
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const file = join(folder, 'search.db')
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann, bob])
  // Each kind has characters of its own, so that its grams are of nothing else.
  const kinds = { deleted: '!#$%&*(9', stays: '+=?@^~)8', disappears: '<>|{}[]7' }
  const made = new Map<string, number[]>()
  for (const [n, kind] of Object.entries(kinds).entries())
    made.set(kind[0], await sendAmong(n === 0 ? 0 : 700, kind[0] === 'disappears' ? 2_500 : undefined, kind[1]))
  await say(store, room, bob, ...texts(2 * SEGMENT, ANYTHING, 30))
  await untilIndexed(folder)

  const traces = { deleted: tracesOf(kinds.deleted), stays: tracesOf(kinds.stays) }
  assert.ok(traces.deleted.length > 100)
  assert.ok((await found(traces.deleted)) > 50, 'its grams are side by side in the file')
  const expiring = tracesOf(kinds.disappears)
  assert.equal(expiring.length, 0, 'what disappears was never put there')

  // Texts that become longer push other blocks about.
  const edits = texts(30, kinds.stays, 300)
  for (const [n, text] of edits.entries()) appended(await store.log.append(amendment(room, bob, 100 + n, { text })))
  await untilIndexed(folder)
  const before = blocksIn(file)
  for (const seq of made.get('deleted')!) appended(await store.log.append(amendment(room, ann, seq, 'deleted')))
  await until(async () => (await store.log.eraseExpired(100)) > 0, 6_000)
  await untilIndexed(folder)
  assert.ok(blocksIn(file) < before, 'there were blocks that are not needed any more')
  assert.equal(await found(traces.deleted), 0)
  assert.ok((await found(traces.stays)) > 50)
  for (const gone of ['deleted', 'disappears'] as const) assert.equal(tracesOf(kinds[gone]).length, 0)

  async function sendAmong(others: number, lifetimeMs: number | undefined, characters: string): Promise<number[]> {
    await say(store, room, bob, ...texts(others, ANYTHING, 30))
    const drafts = texts(40, characters, 300).map((text) => lasting(room, ann, text, lifetimeMs))
    const entries = await Promise.all(drafts.map(async (draft) => appended(await store.log.append(draft))))
    return entries.map((entry) => ('seq' in entry ? entry.seq : 0))
  }

  /** Two grams of these characters that are neighbours in the index, as they are written there. */
  function tracesOf(characters: string): Buffer[] {
    const own = new Set<number>()
    for (const a of characters) for (const b of characters) for (const c of characters) own.add(numberOf(a + b + c))
    const grams = gramsIn(file)
    return grams.flatMap((gram, n) => {
      const next = grams[n + 1]
      return own.has(gram) && next !== undefined && own.has(next) ? [written(gram, next)] : []
    })
  }

  async function found(traces: readonly Buffer[]): Promise<number> {
    const files = [file, `${file}-wal`].filter((path) => existsSync(path))
    const bytes = Buffer.concat(await Promise.all(files.map((path) => readFile(path))))
    return traces.filter((trace) => bytes.includes(trace)).length
  }
})

const numberOf = (gram: string): number => rangeOf({ gram, whole: true })[0]

function written(...grams: number[]): Buffer {
  const bytes = Buffer.alloc(4 * grams.length)
  for (const [n, gram] of grams.entries()) bytes.writeInt32LE(gram, 4 * n)
  return bytes
}

const texts = (count: number, characters: string, length: number): string[] =>
  Array.from({ length: count }, () =>
    Array.from({ length }, () => characters[Math.floor(Math.random() * characters.length)]).join(''),
  )

function blocksIn(path: string): number {
  using index = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  return Number(index.prepare('SELECT count(*) AS n FROM blocks').get()?.n)
}
