import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageEntry } from '@parley/protocol/conversation'
import { foldText } from '@parley/protocol/fold'
import fc from 'fast-check'
import { matches } from '../matches.ts'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, MessageSearch } from '../store.ts'
import {
  amendment,
  appended,
  asMessage,
  group,
  lasting,
  membership,
  message,
  newGroup,
  newId,
  people,
  say,
  until,
} from './world.ts'

/** Small, so that a test fills several. */
const SEGMENT = 32

/** `SearchStore` in `store.ts`. */
export function searchContract(name: string, open: OpenStore): void {
  test(`${name}: words, beginnings and parts of words are found in any script, newest first`, async (t) => {
    const { store, indexed } = await open(t, { searchSegment: SEGMENT })
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const texts = [
      'Lunch at noon?',
      'LUNCHTIME',
      'Straße nach Zürich',
      '明日の会議は東京で',
      'مرحبا يا محمد',
      'Привет, Москва',
      '한국어 공부',
      'see https://example.org/lunch',
      '\u{20000}\u{20001}\u{20002}',
      'ab\nlunch',
    ]
    await say(store, room, ann, ...texts)
    for (const when of ['at once', 'from the index']) {
      if (when !== 'at once') {
        await say(store, room, bob, ...Array.from({ length: 3 * SEGMENT }, (_, n) => `filler ${n}`))
        await indexed()
      }
      for (const [term, expected] of [
        ['lunch', [10, 8, 2, 1]],
        ['unch', [10, 8, 2, 1]],
        ['lu', [10, 8, 2, 1]],
        ['STRASSE', [3]],
        ['zurich', [3]],
        ['会議', [4]],
        ['京', [4]],
        ['の', [4]],
        ['مُحَمَّد', [5]],
        ['москва', [6]],
        ['ривет', [6]],
        ['국', [7]],
        ['\u{20001}', [9]],
        ['b lunch', [10]],
        ['noon?', [1]],
        ['dinner', []],
        ['zz', []],
      ] as const) {
        const search = { userId: bob, terms: [foldText(term)], limit: 50, budgetMs: 10_000 }
        const found = when === 'at once' ? await settled(store, search, expected.length) : await findAll(store, search)
        assert.deepEqual(
          found.map(({ seq }) => seq),
          expected,
          `${term}, ${when}`,
        )
      }
    }
    const more = { userId: bob, limit: 50, budgetMs: 10_000 }
    const seqs = async (search: Partial<MessageSearch>) =>
      (await findAll(store, { ...more, terms: [], ...search })).map(({ seq }) => seq)
    assert.deepEqual(await seqs({ link: true }), [8])
    assert.deepEqual(await seqs({ senderIds: [ann] }), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert.deepEqual(await seqs({ senderIds: [bob], terms: ['lunch'] }), [])
    assert.deepEqual(await seqs({ senderIds: [bob, ann], terms: ['lunch', 'noon'] }), [1])
    const [first] = await store.log.readMessages(room.id, 1, 1)
    const at = Date.parse(first!.createdAt)
    assert.deepEqual(await seqs({ terms: ['lunch'], before: at }), [])
    assert.deepEqual(await seqs({ terms: ['noon'], since: at, before: at + 1 }), [1])
    assert.deepEqual(await seqs({ terms: ['lunch'], since: at + 60_000 }), [])
  })

  test(`${name}: one finds what one may see now, and no more`, async (t) => {
    const { store, indexed } = await open(t, { searchSegment: SEGMENT })
    const [ann, bob, eve, old] = people(4) as [string, string, string, string]
    const room = await newGroup(store, [ann, bob, old])
    await say(store, room, ann, 'the password is swordfish')
    const later = appended(await store.log.append(membership('members.removed', room, ann, [old])))
    const joined = appended(
      await store.log.append(membership('members.added', { ...room, ...pick(later) }, ann, [eve])),
    )
    await say(store, { id: room.id, membersRev: joined.membersRev }, ann, 'swordfish again')
    const other = await newGroup(store, [eve])
    await say(store, other, eve, 'my own swordfish')
    for (const when of ['at once', 'from the index']) {
      if (when !== 'at once') {
        await say(store, other, eve, ...Array.from({ length: 3 * SEGMENT }, (_, n) => `filler ${n}`))
        await indexed()
      }
      const seen = async (userId: string, count: number, more: Partial<MessageSearch> = {}) => {
        const search = { userId, terms: ['swordfish'], limit: 50, budgetMs: 10_000, ...more }
        return (await settled(store, search, count)).map(({ text }) => text)
      }
      assert.deepEqual(await seen(bob, 2), ['swordfish again', 'the password is swordfish'])
      assert.deepEqual(await seen(eve, 2), ['my own swordfish', 'swordfish again'], 'who joined sees from the join on')
      assert.deepEqual(await seen(eve, 1, { within: { ids: [room.id], titles: [] } }), ['swordfish again'])
      assert.deepEqual(await seen(old, 0), [], 'who was removed sees nothing')
      assert.deepEqual(await seen(old, 0, { within: { ids: [room.id], titles: ['group'] } }), [])
      assert.deepEqual(await seen(people(1)[0]!, 0), [])
      assert.deepEqual(await seen(bob, 0, { within: { ids: [other.id], titles: [] } }), [])
      const hurried = { userId: bob, terms: ['swordfish'], limit: 50, budgetMs: -1 }
      for (const id of [other.id, newId()])
        assert.equal((await store.search.find({ ...hurried, within: { ids: [id], titles: [] } })).next, undefined)
    }
  })

  test(`${name}: conversations are looked in by their titles`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    for (const name of ['The Team', 'Family', 'Teams abroad']) {
      const entry = appended(await store.log.append(group([ann], name)))
      await say(store, { id: entry.conversationId, membersRev: 1 }, ann, `hello ${name}`)
    }
    const search = { userId: ann, terms: ['hello'], limit: 10 }
    await settled(store, search, 3)
    const inTitled = await findAll(store, { ...search, within: { ids: [], titles: ['team'] } })
    assert.deepEqual(
      inTitled.map(({ text }) => text),
      ['hello Teams abroad', 'hello The Team'],
    )
    assert.deepEqual(await findAll(store, { ...search, within: { ids: ['no id'], titles: [] } }), [])
  })

  test(`${name}: edits and deletions are followed at once, and what was deleted is not in the index`, async (t) => {
    const { store, indexed, isIndexed } = await open(t, { searchSegment: SEGMENT })
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    await say(store, room, ann, 'a quokka', 'a quokka too', 'an axolotl')
    await say(store, room, ann, ...Array.from({ length: 3 * SEGMENT }, (_, n) => `filler ${n}`))
    await indexed()
    assert.ok(await isIndexed('uok'))
    appended(await store.log.append(amendment(room, ann, 1, { text: 'a wombat' })))
    appended(await store.log.append(amendment(room, ann, 2, 'deleted')))
    const search = { userId: ann, limit: 10, budgetMs: 10_000 }
    assert.deepEqual(await findAll(store, { ...search, terms: ['quokka'] }), [], 'the old text is not found')
    assert.equal((await settled(store, { ...search, terms: ['wombat'] }, 1))[0]?.seq, 1, 'the new one is, soon')
    appended(await store.log.append(amendment(room, ann, 1, 'deleted')))
    assert.deepEqual(await findAll(store, { ...search, terms: ['wombat'] }), [])
    await indexed()
    for (const gone of ['uok', 'kka', 'wom', 'mba']) assert.equal(await isIndexed(gone), false, `${gone} is gone`)
    assert.ok(await isIndexed('xol'))
    assert.deepEqual(
      (await findAll(store, { ...search, terms: ['axolotl'] })).map(({ seq }) => seq),
      [3],
    )
  })

  test(`${name}: what disappears is never in the index, before it does or after`, async (t) => {
    const { store, indexed, isIndexed } = await open(t, { searchSegment: SEGMENT })
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const secret = asMessage(appended(await store.log.append(lasting(room, ann, 'a pangolin', 2_500))))
    await say(store, room, ann, ...Array.from({ length: 3 * SEGMENT }, (_, n) => `filler ${n}`))
    await indexed()
    assert.ok(await isIndexed('fil'))
    assert.equal(await isIndexed('ngo'), false)
    await until(async () => Date.now() > Date.parse(secret.expiresAt!) && (await store.log.eraseExpired(10)) > 0)
    appended(await store.log.append(amendment(room, ann, secret.seq, 'deleted')))
    await indexed()
    assert.equal(await isIndexed('ngo'), false)
  })

  test(`${name}: pages follow on each other, whatever is said meanwhile and however little time there is`, async (t) => {
    const { store, indexed } = await open(t, { searchSegment: SEGMENT })
    const [ann, bob] = people(2) as [string, string]
    const rooms = await Promise.all([newGroup(store, [ann, bob]), newGroup(store, [bob, ann]), newGroup(store, [ann])])
    const texts = Array.from({ length: 5 * SEGMENT }, (_, n) => (n % 5 === 0 ? `needle ${n}` : `hay ${n}`))
    for (const [n, text] of texts.entries()) await say(store, rooms[n % 3]!, ann, text)
    await indexed()
    const search = { userId: bob, terms: ['needle'], limit: 3, budgetMs: 10_000 }
    const whole = await findAll(store, { ...search, limit: 200 })
    assert.equal(whole.length, texts.filter((text, n) => n % 3 < 2 && text.includes('needle')).length)
    const paged = await findAll(store, search, () => say(store, rooms[0]!, ann, 'another needle'))
    assert.deepEqual(paged, whole)
    const hurried = await findAll(store, { ...search, limit: 50, budgetMs: 0, terms: ['needle', 'needle 1'] })
    assert.deepEqual(
      hurried.filter(({ text }) => text !== 'another needle'),
      whole.filter(({ text }) => text.includes('needle 1')),
    )
  })

  test(`${name}: what is found is what a look through everything would give`, { timeout: 120_000 }, async (t) => {
    const { store, indexed } = await open(t, { searchSegment: SEGMENT })
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 5, maxLength: 120 }),
        fc.array(asked, { minLength: 6, maxLength: 12 }),
        async (acts, searches) => {
          const crowd = people(3)
          const rooms = await playOut(store, crowd, acts)
          await indexed()
          for (const { who, terms, from, limit } of searches) {
            const search: MessageSearch = {
              userId: crowd[who]!,
              terms: terms.map(foldText),
              ...(from !== undefined && { senderIds: [crowd[from]!] }),
              limit,
              budgetMs: 10_000,
            }
            const found = (await findAll(store, search)).map(({ conversationId, seq }) => `${conversationId} ${seq}`)
            assert.deepEqual(found.toSorted(), (await naive(store, rooms, search)).toSorted())
          }
        },
      ),
      { numRuns: 12 },
    )
  })
}

const WORDS = [
  'ana',
  'banana',
  'Ananas',
  'Straße',
  'strass',
  'école',
  'Ecole',
  '東京都',
  '京都',
  '都',
  'x',
  'a b',
  'مرحبا',
  '👍🏽',
]
const text = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }).map((words) => words.join(' '))
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), room: fc.nat(2), who: fc.nat(2), text }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), room: fc.nat(2), at: fc.nat(30), text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), room: fc.nat(2), at: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('leave' as const), room: fc.nat(2), who: fc.integer({ min: 1, max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('join' as const), room: fc.nat(2), who: fc.integer({ min: 1, max: 2 }) }),
  },
)
const asked = fc.record({
  who: fc.nat(2),
  terms: fc.array(
    fc.constantFrom('ana', 'an', 'b', 'strasse', 'str', 'ecole', '京', '京都', '都', 'x', 'b a', 'حبا', '👍', 'nan'),
    {
      maxLength: 2,
    },
  ),
  from: fc.option(fc.nat(2), { nil: undefined }),
  limit: fc.constantFrom(1, 3, 50),
})
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

/** Three rooms of three people, in which that happens. Who is in none of it says nothing. */
async function playOut(store: ChatStore, crowd: string[], acts: readonly Act[]): Promise<string[]> {
  const rooms = await Promise.all([1, 2, 3].map(async () => newGroup(store, crowd)))
  for (const one of acts) {
    const now = await store.log.findConversation(rooms[one.room]!.id)
    assert.ok(now)
    const seq = 'at' in one && now.headSeq > 0 ? (one.at % now.headSeq) + 1 : 0
    const owner = crowd[0]!
    if (one.do === 'say' && now.members.has(crowd[one.who]!))
      await store.log.append(message(now, crowd[one.who]!, one.text))
    if (one.do === 'edit' && seq > 0) await store.log.append(amendment(now, owner, seq, { text: one.text }))
    if (one.do === 'delete' && seq > 0) await store.log.append(amendment(now, owner, seq, 'deleted'))
    if (one.do === 'leave' && now.members.has(crowd[one.who]!))
      await store.log.append(membership('members.removed', now, owner, [crowd[one.who]!]))
    if (one.do === 'join' && !now.members.has(crowd[one.who]!))
      await store.log.append(membership('members.added', now, owner, [crowd[one.who]!]))
  }
  return rooms.map(({ id }) => id)
}

/** What a member sees that matches, by reading all of it. */
async function naive(store: ChatStore, rooms: readonly string[], search: MessageSearch): Promise<string[]> {
  const all: string[] = []
  for (const id of rooms) {
    const conversation = await store.log.findConversation(id)
    const me = conversation?.members.get(search.userId)
    if (!conversation || !me) continue
    for (const { seq, text, senderId, createdAt } of await store.log.readMessages(id, me.fromSeq, conversation.headSeq))
      if (matches(search, text, senderId, Date.parse(createdAt))) all.push(`${id} ${seq}`)
  }
  return all
}

/** Page after page, to the end. */
async function findAll(
  store: ChatStore,
  search: MessageSearch,
  between: () => Promise<unknown> = async () => {},
): Promise<MessageEntry[]> {
  const all: MessageEntry[] = []
  let below: string | undefined
  for (let pages = 0; ; pages++) {
    assert.ok(pages < 2_000, 'it comes to an end')
    const page = await store.search.find({ ...search, ...(below !== undefined && { below }) })
    assert.ok(page.messages.length <= search.limit)
    all.push(...page.messages)
    if (page.next === undefined) break
    assert.notEqual(page.next, below, 'every page goes on')
    below = page.next
    if (pages < 5) await between()
  }
  const places = all.map(({ conversationId, seq }) => `${conversationId} ${seq}`)
  assert.equal(new Set(places).size, places.length, 'nothing is given twice')
  const times = all.map(({ createdAt }) => createdAt)
  assert.deepEqual(times, times.toSorted().reverse(), 'the newest first')
  return all
}

/** The same when so many are found: what is new is found within two seconds. */
async function settled(store: ChatStore, search: MessageSearch, count: number): Promise<MessageEntry[]> {
  if (count === 0) return findAll(store, search)
  return until(async () => {
    const found = await findAll(store, search)
    return found.length >= count && found
  }, 2_500)
}

const pick = ({ membersRev }: { membersRev: number }) => ({ membersRev })
