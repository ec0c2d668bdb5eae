import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { foldText } from '@parley/protocol/fold'
import { LIMITS } from '@parley/protocol/limits'
import fc from 'fast-check'
import { sendFromChild } from '../../contract/child.ts'
import { amendment, appended, message, newGroup, newId, people, say, until } from '../../contract/world.ts'
import { gramsOf, wantedFor } from '../../grams.ts'
import { sqliteStore } from '../../sqlite.ts'
import type { ChatStore, MessagesFound } from '../../store.ts'
import { cut, rangeOf } from './cut.ts'
import { openFinder } from './find.ts'
import { Gathered } from './gathered.ts'
import { gramsIn, metaOf, untilIndexed } from './index.fixture.ts'
import { openIndexFile } from './index-file.ts'
import { openIndexer } from './indexer.ts'
import { BLOCK, eachList, eachPlace, packPlaces, SEGMENT } from './postings.ts'
import { SMALL_SEGMENT, smallStore } from './small.fixture.ts'

const ANOTHER = 100

test('places in a segment come back as they were, in few bytes', () => {
  const comeBack = (places: readonly number[]): void => {
    const bytes = new Uint8Array(8_192)
    const end = packPlaces(Uint16Array.from(places), SEGMENT, bytes, 3)
    assert.ok(end - 3 <= SEGMENT / 8)
    const back: number[] = []
    eachPlace(bytes, 3, end, SEGMENT, (place) => void back.push(place))
    assert.deepEqual(back, places)
  }
  const places = fc.uniqueArray(fc.nat(SEGMENT - 1), { maxLength: SEGMENT })
  fc.assert(fc.property(places, (some) => comeBack(some.toSorted((a, b) => a - b))))
  comeBack(Array.from({ length: SEGMENT }, (_, n) => n))
  // As many bytes as there are for one bit each, and one less.
  for (const length of [SEGMENT / 8, SEGMENT / 8 - 1]) comeBack(Array.from({ length }, (_, n) => n))
})

test('what is gathered comes in blocks of one size, gram after gram, each with its places', () => {
  const gram = fc.oneof(fc.nat(40), fc.integer())
  const noted = fc.array(fc.tuple(fc.nat(7), fc.array(gram, { maxLength: 400 })), { maxLength: 60 })
  fc.assert(
    fc.property(noted, (steps) => {
      const gathered = new Gathered(512)
      for (const round of [1, 2]) {
        const expected = new Map<number, number[]>()
        for (const [n, grams] of steps.map(([, grams]) => grams).entries()) {
          gathered.at(n * round)
          for (const one of grams) {
            gathered.add(one)
            const places = expected.get(one) ?? []
            expected.set(one, places.at(-1) === n * round ? places : [...places, n * round])
          }
        }
        assert.equal(gathered.length, [...expected.values()].flat().length)
        const found = new Map<number, number[]>()
        gathered.take((firstGram, block) => {
          assert.equal(block.length, BLOCK)
          let first: number | undefined
          eachList(block, -(2 ** 31), 2 ** 31 - 1, (start, end, one) => {
            first ??= one
            assert.ok(!found.has(one))
            found.set(one, [])
            eachPlace(block, start, end, 512, (place) => void found.get(one)!.push(place))
          })
          assert.equal(first, firstGram)
        })
        assert.deepEqual(
          [...found],
          [...expected].sort(([a], [b]) => a - b),
        )
        assert.equal(gathered.length, 0)
      }
    }),
    { numRuns: 30 },
  )
})

test('a text has the grams that it has as characters, as numbers; what is looked for is among them', () => {
  const character = fc.oneof(
    fc.constantFrom(...'abcABC \n\t.é\u0301ßｶﾞ京都한👍\u{20000}\0\x7f\x80İǅ'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  const text = fc.array(character, { maxLength: 30 }).map((all) => all.join(''))
  fc.assert(
    fc.property(text, fc.nat(30), fc.integer({ min: 1, max: 6 }), (written, at, length) => {
      const grams = new Set<number>()
      cut(written, (gram) => void grams.add(gram))
      const expected = [...gramsOf(written)].map((gram) => rangeOf({ gram, whole: true }))
      for (const [first, last] of expected) assert.equal(first, last)
      assert.deepEqual(new Set(expected.map(([first]) => first)), grams)
      const part = [...foldText(written)].slice(at, at + length).join('')
      for (const [first, last] of wantedFor([part]).map(rangeOf))
        assert.ok([...grams].some((gram) => gram >= first && gram <= last))
    }),
    { numRuns: 200 },
  )
})

test('a process that is killed while it indexes goes on where it was, and finds everything', {
  timeout: 60_000,
}, async (t) => {
  const { path, folder } = await openFolder(t)
  const [ann] = people(1) as [string]
  let store = await smallStore(path)
  const room = await newGroup(store, [ann])
  await store[Symbol.asyncDispose]()
  const child = { module: new URL('small.fixture.ts', import.meta.url).href, factory: 'smallStore', address: path }
  let sealed = -1
  for (const nth of [1, 2, 4]) {
    const env = { PARLEY_CRASH_AT: `search.before-commit:${nth}` }
    const { signal } = await sendFromChild({ ...child, room, sender: ann, env })
    assert.equal(signal, 'SIGKILL', 'it died at that line')
    const meta = metaOf(join(folder, 'search.db'))
    assert.ok(meta.sealed >= sealed, 'what was sealed stays')
    sealed = meta.sealed
  }
  store = await smallStore(path)
  t.after(() => store[Symbol.asyncDispose]())
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `the last ${n}`))
  await untilIndexed(folder)
  const head = (await store.log.findConversation(room.id))!.headSeq
  assert.equal((await all(store, ann, 'from')).length, head - ANOTHER)
  assert.equal((await all(store, ann, 'the last')).length, ANOTHER)
})

for (const [what, spoil] of [
  ['is gone', (path: string) => rm(path)],
  ['is no database', (path: string) => writeFile(path, 'not what it was'.repeat(1_000))],
  ['is cut short', (path: string) => writeFile(path, '')],
  ['was damaged', damage],
  ['is of another log', (path: string) => setMeta(path, 'stamp', '1/64/of-another-log')],
  ['is ahead of the log', (path: string) => setMeta(path, 'sealed', 1_000_000)],
] as const) {
  test(`an index that ${what} is made anew`, async (t) => {
    const { path, folder } = await openFolder(t)
    const index = join(folder, 'search.db')
    const [ann] = people(1) as [string]
    let store = await smallStore(path)
    const room = await newGroup(store, [ann])
    await say(store, room, ann, ...Array.from({ length: 4 * ANOTHER }, (_, n) => `message ${n}`))
    await untilIndexed(folder)
    const before = gramsIn(index)
    await store[Symbol.asyncDispose]()
    for (const more of ['-wal', '-shm']) await rm(index + more, { force: true })
    await spoil(index)
    store = await smallStore(path)
    t.after(() => store[Symbol.asyncDispose]())
    await until(async () => (await all(store, ann, 'message 1')).length === 111)
    await untilIndexed(folder)
    assert.deepEqual(gramsIn(index), before)
    assert.equal((await all(store, ann, 'message')).length, 4 * ANOTHER)
  })
}

test('an index that is damaged while it is in use is made anew', async (t) => {
  const { path, folder } = await openFolder(t)
  const index = join(folder, 'search.db')
  const [ann] = people(1) as [string]
  const store = await smallStore(path)
  t.after(() => store[Symbol.asyncDispose]())
  const room = await newGroup(store, [ann])
  await say(store, room, ann, ...Array.from({ length: 4 * ANOTHER }, (_, n) => `message ${n}`))
  await untilIndexed(folder)
  await damage(index)
  await damage(`${index}-wal`)
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `more ${n}`))
  await until(async () => (await all(store, ann, 'message').catch(() => [])).length === 4 * ANOTHER)
  await until(async () => (await all(store, ann, 'more').catch(() => [])).length === ANOTHER)
})

test('what is edited again and again stays found, and takes no more of the index than that', async (t) => {
  const { path, folder } = await openFolder(t)
  const [ann] = people(1) as [string]
  const store = await sqliteStore(path, { search: false })
  t.after(() => store[Symbol.asyncDispose]())
  const room = await newGroup(store, [ann])
  await say(store, room, ann, ...Array.from({ length: 2 * SMALL_SEGMENT }, (_, n) => `message ${n}`))
  const { file, find, catchUp } = openIndex(t, path, folder, SMALL_SEGMENT)
  catchUp()
  for (let n = 0; n < 30; n++) {
    const text = `edit number <${n}>`
    for (const seq of [3, 4]) appended(await store.log.append(amendment(room, ann, seq, { text })))
    catchUp()
    const found = find({ userId: ann, terms: [foldText(text)], limit: 5 }).messages
    assert.deepEqual(
      found.map(({ seq }) => seq),
      [4, 3],
    )
    assert.ok(file.segment(0)!.runs.length <= 8)
  }
  const edits = Array.from({ length: 60 }, (_, n) => amendment(room, ann, n + 1, { text: `all at once <${n}>` }))
  for (const edit of [...edits, ...edits.map((one) => ({ ...one, id: newId() }))])
    appended(await store.log.append(edit))
  catchUp()
  assert.equal(find({ userId: ann, terms: ['once'], limit: 100, budgetMs: 10_000 }).messages.length, 60)
})

test('texts that are as long as texts may be are indexed in parts, and found', async (t) => {
  const { path, folder } = await openFolder(t)
  const [ann] = people(1) as [string]
  const store = await sqliteStore(path, { search: false })
  t.after(() => store[Symbol.asyncDispose]())
  const room = await newGroup(store, [ann])
  const random = () =>
    Array.from({ length: LIMITS.textCodePoints - 10 }, () => String.fromCharCode(0x21 + Math.random() * 94)).join('')
  const count = 170
  await say(store, room, ann, ...Array.from({ length: count }, (_, n) => `\u{1f511}${n} ${random()}`))
  const { file, find, catchUp } = openIndex(t, path, folder, 168)
  catchUp()
  assert.equal(file.segment(0)?.runs.length, 2)
  for (const n of [0, 1, 100, 150, 166]) {
    const { messages } = find({ userId: ann, terms: [`\u{1f511}${n} `], limit: 5, budgetMs: 10_000 })
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      [n + 1],
    )
  }
})

test('searching makes no message wait, and closing waits for no search', async (t) => {
  const { path } = await openFolder(t)
  const [ann] = people(1) as [string]
  const store = await smallStore(path)
  const room = await newGroup(store, [ann])
  await say(store, room, ann, ...Array.from({ length: ANOTHER }, (_, n) => `message ${n}`))
  const searches = Array.from({ length: 80 }, () => store.search.find({ userId: ann, terms: ['message'], limit: 1 }))
  const outcomes = Promise.allSettled(searches)
  assert.equal((await store.log.append(message(room, ann, 'in time'))).outcome, 'appended')
  await store[Symbol.asyncDispose]()
  const refused = (await outcomes).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.ok(refused.length >= 16, 'more than may wait are refused')
  for (const { reason } of refused) assert.equal(reason.code, 'unavailable')
  await assert.rejects(store.search.find({ userId: ann, terms: ['message'], limit: 1 }), { code: 'unavailable' })
})

async function openFolder(t: TestContext): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-search-'))
  t.after(() => rm(folder, { recursive: true }))
  return { folder, path: join(folder, 'chat.db') }
}

/** An index of the log at `path` that is brought up to it by hand. */
function openIndex(t: TestContext, path: string, folder: string, size: number) {
  const log = new DatabaseSync(path, { readOnly: true })
  const file = openIndexFile(join(folder, 'search.db'), { epoch: '', size, last: 0, lastChange: 0 })
  t.after(() => {
    file.close()
    log.close()
  })
  const indexer = openIndexer(log, file)
  const catchUp = (): void => {
    for (const _step of indexer.work());
    assert.equal(indexer.isBehind(), false)
  }
  return { file, find: openFinder(log, file), catchUp }
}

async function all(store: ChatStore, userId: string, term: string): Promise<MessagesFound['messages']> {
  const found: MessagesFound['messages'] = []
  for (let below: string | undefined; ; ) {
    const page = await store.search.find({ userId, terms: [term], limit: 500, ...(below && { below }) })
    found.push(...page.messages)
    below = page.next
    if (below === undefined) return found
  }
}

/** Everything behind the first page of the file, where its tables begin. */
async function damage(path: string): Promise<void> {
  const { open } = await import('node:fs/promises')
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const length = Math.max(0, size - 4_096)
    await file.write(Buffer.alloc(length, 0xa5), 0, length, 4_096)
  } finally {
    await file.close()
  }
}

async function setMeta(path: string, name: string, value: string | number): Promise<void> {
  using index = new DatabaseSync(path)
  index.prepare('UPDATE meta SET value = ? WHERE name = ?').run(value, name)
}
