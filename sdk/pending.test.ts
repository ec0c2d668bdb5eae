import assert from 'node:assert/strict'
import test from 'node:test'
import { openKeeper } from './keeper.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, until } from './parley.fixture.ts'
import { openPending } from './pending.ts'
import type { DeviceStorage, ParleyClient } from './types.ts'

/** A tab, and what it waits with. */
function tab(storage: DeviceStorage) {
  const keeper = openKeeper(storage)
  const former = (rest: string, value: unknown) => [[`${rest}/x`, `${value}`]] as const
  const pending = openPending<string>({ storage, keeper }, 'p/', former)
  return {
    ...pending,
    kept: () => keeper.flush(),
    load: async () => Object.fromEntries(await pending.load()),
  }
}

test('each tab keeps its own, the next one takes the latest of each, and nothing stays when it is told', async () => {
  const storage = memoryStorage()
  const [first, second] = [tab(storage), tab(storage)]
  first.put([
    ['a', 'first'],
    ['b', 'first'],
  ])
  await first.kept()
  second.put([
    ['b', 'second'],
    ['c', 'second'],
  ])
  await second.kept()
  const third = tab(storage)
  assert.deepEqual(await third.load(), { a: 'first', b: 'second', c: 'second' })
  assert.deepEqual(await third.load(), {}, 'nothing new')
  assert.deepEqual(await third.outdated(['a', 'b', 'c']), [])
  third.put([
    ['a', 'third'],
    ['b', undefined],
  ])
  await third.kept()
  assert.deepEqual(await tab(storage).load(), { a: 'third', c: 'second' })
  third.put([
    ['a', undefined],
    ['c', undefined],
  ])
  await third.kept()
  assert.deepEqual(await storage.list(''), [])
})

test('what its own tab has told or changed since it was taken over is outdated', async () => {
  const storage = memoryStorage()
  const first = tab(storage)
  first.put([
    ['a', 'one'],
    ['b', 'one'],
    ['c', 'one'],
  ])
  await first.kept()
  const second = tab(storage)
  await second.load()
  first.put([
    ['a', undefined],
    ['b', 'two'],
  ])
  await first.kept()
  assert.deepEqual(await second.outdated(['a', 'b', 'c']), ['a', 'b'])
  assert.deepEqual(await second.outdated(['a', 'b', 'c']), [])
  assert.deepEqual(await second.load(), { b: 'two' })
})

test('what an earlier release kept is taken over once', async () => {
  const storage = memoryStorage()
  await storage.write([['p/a', 'old']])
  const first = tab(storage)
  assert.deepEqual(await first.load(), { 'a/x': 'old' })
  await first.kept()
  const second = tab(storage)
  assert.deepEqual(await second.load(), { 'a/x': 'old' })
  second.put([['a/x', undefined]])
  await second.kept()
  assert.deepEqual(await storage.list(''), [])
})

const starred = (client: ParleyClient, id: string): number[] =>
  client
    .timeline(id)
    .get()
    .messages.flatMap(({ seq, starred }) => (starred ? [seq] : []))

test('what two tabs star, mute and draft while they are offline is all told by whoever comes next', {
  timeout: 60_000,
}, async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const phone = await signIn(t, parley, annUser)
  const { id } = await phone.createGroup('Tea', [bobUser.id])
  for (const text of ['one', 'two', 'three']) await phone.send({ conversationId: id }, text)
  await settled(phone)
  const storage = memoryStorage()
  const first = await signIn(t, parley, annUser, { storage })
  await first.timeline(id).open()
  await settled(first)
  parley.reachable(false)
  const second = device(t, parley, { storage })
  await second.resume()
  await second.timeline(id).open()
  first.conversation(id).star([1])
  second.conversation(id).star([2])
  first.conversation(id).setDraft('begun')
  second.conversation(id).setLevel('mentions')
  await Promise.all([first.close(), second.close()])
  const third = device(t, parley, { storage })
  await third.resume()
  await third.timeline(id).open()
  assert.deepEqual(starred(third, id), [1, 2])
  parley.reachable(true)
  third.connect()
  await settled(third)
  const fresh = await signIn(t, parley, annUser)
  await fresh.timeline(id).open()
  await until(fresh, 'both stars', () => starred(fresh, id).join() === '1,2')
  const settings = fresh.conversations.get().find((one) => one.id === id)?.me.settings
  assert.deepEqual([settings?.draft, settings?.level], ['begun', 'mentions'])
  await third.close()
  const left = (await storage.list('')).map(([key]) => key).filter((key) => /\/(owning|settings)\//.test(key))
  assert.deepEqual(left, [])
})
