import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

const lines = (client: ParleyClient, id: string): string[] =>
  client
    .timeline(id)
    .get()
    .events.map(({ kind, headSeq, names }) => `${kind}@${headSeq} ${Object.values(names).toSorted()}`)

test('what happens in a group stands among its messages, live, from pages, after a reload, once each', async (t) => {
  const parley = await openParley(t)
  const users = [await register(t, parley, 'ann'), await register(t, parley, 'bob'), await register(t, parley, 'cat')]
  const [annUser, bobUser, catUser] = users as [(typeof users)[0], (typeof users)[0], (typeof users)[0]]
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  const bob = await signIn(t, parley, bobUser)
  const { id } = await ann.createGroup('Tea', [bobUser.id])
  await until(bob, 'the group', () => bob.conversations.get().length === 1)
  await bob.timeline(id).open()
  await ann.timeline(id).open()
  const say = async (text: string) => {
    const seq = (ann.conversations.get()[0]?.headSeq ?? 0) + 1
    await ann.send({ conversationId: id }, text)
    for (const client of [ann, bob]) await until(client, text, () => client.conversations.get()[0]?.headSeq === seq)
  }
  await say('one')
  await ann.renameGroup(id, 'Coffee')
  await ann.addMembers(id, [catUser.id])
  await say('two')
  await ann.removeMember(id, catUser.id)
  await ann.setRole(id, bobUser.id, 'admin')
  const all = [
    'created@0 ann,bob',
    'renamed@1 ann',
    'members.added@1 ann,cat',
    'members.removed@2 ann,cat',
    'members.role@2 ann,bob',
  ]
  for (const client of [ann, bob]) {
    await until(client, 'all of it', () => lines(client, id).length === all.length)
    await settled(client)
    assert.deepEqual(lines(client, id), all)
    assert.equal(client.conversations.get()[0]?.me.unread ?? 0, client === bob ? 2 : 0)
  }

  // Away for a while, then from the log.
  bob.disconnect()
  await ann.describeGroup(id, 'Every day')
  await ann.addMembers(id, [catUser.id])
  bob.connect()
  const more = [...all, 'described@2 ann', 'members.added@2 ann,cat']
  await until(bob, 'what he missed', () => lines(bob, id).length === more.length)
  assert.deepEqual(lines(bob, id), more)

  // A device that begins anew has it from pages; one that was closed, from its storage, with names, and without the network.
  const fresh = await signIn(t, parley, bobUser)
  await until(fresh, 'the group', () => fresh.conversations.get().length === 1)
  await fresh.timeline(id).open()
  assert.deepEqual(lines(fresh, id), more)
  await settled(ann)
  await ann.close()
  parley.reachable(false)
  const again = device(t, parley, { storage })
  await again.resume()
  await again.timeline(id).open()
  assert.deepEqual(lines(again, id), more)
  assert.equal(again.timeline(id).get().hasOlder, false)
})

test('who joins is shown that, and nothing from before; a group without messages shows what happened', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const ann = await signIn(t, parley, annUser)
  const { id } = await ann.createGroup('Tea', [])
  await ann.send({ conversationId: id }, 'before')
  await ann.renameGroup(id, 'Coffee')
  await settled(ann)
  await ann.addMembers(id, [bobUser.id])
  const bob = await signIn(t, parley, bobUser)
  await until(bob, 'the group', () => bob.conversations.get().length === 1)
  await bob.timeline(id).open()
  assert.deepEqual(lines(bob, id), ['members.added@1 ann,bob'])
  assert.equal(bob.timeline(id).get().hasOlder, false)
})

test('older pages bring what happened among them, and a jump shows what happened there', async (t) => {
  const parley = await openParley(t, { PARLEY_LIMIT_SEND_BURST: '1000' })
  const annUser = await register(t, parley, 'ann')
  const ann = await signIn(t, parley, annUser)
  const { id } = await ann.createGroup('Tea', [])
  for (let n = 1; n <= 120; n++) {
    await ann.send({ conversationId: id }, `${n}`)
    if (n % 20 === 0) {
      await until(ann, `${n} sent`, () => ann.conversations.get()[0]?.headSeq === n)
      await ann.renameGroup(id, `Tea ${n}`)
    }
  }
  await settled(ann)
  const fresh = await signIn(t, parley, annUser)
  const timeline = fresh.timeline(id)
  const titles = () => timeline.get().events.map((event) => (event.kind === 'renamed' ? event.title : event.kind))
  await until(fresh, 'the group', () => fresh.conversations.get().length === 1)
  await timeline.jump({ seq: 10 })
  assert.deepEqual(titles(), ['created', 'Tea 20', 'Tea 40'])
  timeline.toLatest()
  assert.deepEqual(titles(), ['Tea 80', 'Tea 100', 'Tea 120'])
  await timeline.loadOlder()
  await timeline.loadOlder()
  assert.deepEqual(titles(), ['created', 'Tea 20', 'Tea 40', 'Tea 60', 'Tea 80', 'Tea 100', 'Tea 120'])
  assert.equal(timeline.get().hasOlder, false)
})
