import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { SearchItem } from '@parley/protocol/search'
import { openParley, register, settled, signIn, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

const MANY = 320

/** Two devices, and a long conversation that the second one has not looked at yet. */
async function longTalk(t: TestContext) {
  const parley = await openParley(t, { PARLEY_LIMIT_SENDS_PER_SECOND: '10000', PARLEY_LIMIT_SEND_BURST: '10000' })
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const ann = await signIn(t, parley, annUser)
  const { id } = await ann.createGroup('Us', [bobUser.id])
  for (let n = 1; n <= MANY; n++) await ann.send({ conversationId: id }, `m${n}`)
  await settled(ann)
  const bob = await signIn(t, parley, bobUser)
  await settled(bob)
  return { parley, ann, bob, id }
}

const seqs = (client: ParleyClient, id: string): number[] =>
  client
    .timeline(id)
    .get()
    .messages.map(({ seq }) => seq)

function assertDense(client: ParleyClient, id: string): void {
  const all = seqs(client, id)
  assert.deepEqual(
    all,
    all.map((_, n) => all[0]! + n),
  )
}

test('one jumps far back, goes on both ways, and comes together with the newest again', {
  timeout: 60_000,
}, async (t) => {
  const { ann, bob, id } = await longTalk(t)
  const timeline = bob.timeline(id)
  await timeline.open()
  assert.equal(timeline.get().hasNewer, false)
  assert.equal(await timeline.jump({ seq: 100 }), 100)
  assertDense(bob, id)
  assert.ok(seqs(bob, id).includes(100))
  assert.ok(!seqs(bob, id).includes(MANY))
  assert.deepEqual([timeline.get().hasNewer, timeline.get().hasOlder], [true, true])

  // What happens meanwhile: at the end, and in what is looked at.
  await ann.send({ conversationId: id }, 'news')
  await ann.edit(
    ann
      .timeline(id)
      .get()
      .messages.find(({ seq }) => seq === MANY)!,
    'edited',
  )
  await ann.timeline(id).open()
  await ann.timeline(id).jump({ seq: 100 })
  await ann.edit(
    ann
      .timeline(id)
      .get()
      .messages.find(({ seq }) => seq === 100)!,
    'a hundred',
  )
  await settled(ann)
  await until(bob, 'the edit far back', () => timeline.get().messages.some(({ text }) => text === 'a hundred'))
  await bob.send({ conversationId: id }, 'mine')
  assert.deepEqual(timeline.get().pending, [], 'what waits stands behind the newest message')
  await settled(bob)

  await timeline.loadOlder()
  assert.equal(seqs(bob, id)[0], 25)
  while (timeline.get().hasNewer) {
    await timeline.loadNewer()
    assertDense(bob, id)
  }
  const texts = timeline.get().messages.map(({ text }) => text)
  assert.deepEqual(texts.slice(-3), ['edited', 'news', 'mine'])
  assert.ok(texts.includes('a hundred'))
  await timeline.loadOlder()
  assert.equal(seqs(bob, id)[0], 1)
  assert.equal(timeline.get().hasOlder, false)
})

test('one goes back to the newest in one step, and jumps within what is there without asking', async (t) => {
  const { parley, bob, id } = await longTalk(t)
  const timeline = bob.timeline(id)
  await timeline.jump({ seq: 5 })
  assert.equal(seqs(bob, id)[0], 1)
  timeline.toLatest()
  assert.equal(seqs(bob, id).at(-1), MANY)
  assert.equal(timeline.get().hasNewer, false)
  await timeline.jump({ seq: 5 })
  parley.reachable(false)
  parley.cut()
  assert.equal(await timeline.jump({ seq: 7 }), 7, 'it is among what is held away')
  assert.equal(await timeline.jump({ seq: MANY - 3 }), MANY - 3)
  assert.equal(timeline.get().hasNewer, false)
  await assert.rejects(timeline.jump({ seq: 100 }), { name: 'ParleyError' })
  assert.equal(seqs(bob, id).at(-1), MANY, 'where it cannot be fetched one stays where one is')
})

test('a time is gone to, and of two jumps the later one counts', async (t) => {
  const { bob, id } = await longTalk(t)
  const timeline = bob.timeline(id)
  await timeline.jump({ seq: 50 })
  const { createdAt } = timeline.get().messages.find(({ seq }) => seq === 50)!
  timeline.toLatest()
  const found = await timeline.jump({ at: createdAt })
  const all = timeline.get().messages
  assert.equal(all.find(({ seq }) => seq === found)?.createdAt, createdAt)
  assert.ok(!all.some((one) => one.seq < found! && one.createdAt >= createdAt), 'the first of that time')
  assert.equal(await timeline.jump({ at: '1999-01-01T00:00:00Z' }), 1)
  assert.equal(await timeline.jump({ at: '2999-01-01T00:00:00Z' }), MANY)
  const [earlier, later] = await Promise.all([timeline.jump({ seq: 20 }), timeline.jump({ seq: 200 })])
  assert.deepEqual([earlier, later], [undefined, 200])
  assert.ok(seqs(bob, id).includes(200))
  await assert.rejects(bob.timeline('00000000-0000-4000-8000-000000000000').jump({ seq: 1 }), { name: 'ParleyError' })
})

test('what was said is searched from a device', async (t) => {
  const { bob, id } = await longTalk(t)
  // A busy server gives what it has found by then, and a cursor.
  const found = async (q: string, limit: number) => {
    const all: SearchItem[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await bob.search(q, { limit, ...(cursor !== undefined && { cursor }) })
      all.push(...page.items)
      cursor = page.nextCursor
      if (cursor === undefined) return all
    }
  }
  const all = await found('m32', 20)
  assert.deepEqual(
    all.map(({ message }) => message.text),
    ['m320', 'm32'],
  )
  assert.equal(all[0]?.conversationId, id)
  const seqs = (await found('m30', 3)).map(({ message }) => message.seq)
  assert.deepEqual(seqs, [309, 308, 307, 306, 305, 304, 303, 302, 301, 300, 30])
})
