import assert from 'node:assert/strict'
import test from 'node:test'
import type { Device } from './device.ts'
import { openExpiry } from './expiry.ts'
import { openKeeper } from './keeper.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn, until } from './parley.fixture.ts'
import type { DeviceStorage, ParleyClient } from './types.ts'

const SHORT = { PARLEY_LIMIT_DISAPPEAR_LEAST_MS: '500' }

const shown = (client: ParleyClient, id: string): string[] =>
  client
    .timeline(id)
    .get()
    .messages.map(({ text, deleted }) => (deleted ? '-' : text))

const last = (client: ParleyClient, id: string) => client.conversations.get().find((one) => one.id === id)

/** All that a device has kept, as one text. */
const keptBy = async (storage: DeviceStorage): Promise<string> => JSON.stringify(await storage.list(''))

test('what disappears is gone from every device at its moment, its storage too, and is unread no more', async (t) => {
  const parley = await openParley(t, SHORT)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [annKeeps, bobKeeps] = [memoryStorage(), memoryStorage()]
  const anns = await signIn(t, parley, ann, { storage: annKeeps })
  const bobs = await signIn(t, parley, bob, { storage: bobKeeps })
  const { id } = await anns.createGroup('Tea', [bob.id])
  await anns.send({ conversationId: id }, 'stays')
  await settled(anns)
  await anns.setTimer(id, 1_500)
  assert.equal(last(anns, id)?.disappearAfterMs, 1_500)
  await anns.send({ conversationId: id }, 'goes')
  for (const client of [anns, bobs]) {
    await until(client, 'both', () => last(client, id)?.lastMessage?.text === 'goes')
    await client.timeline(id).open()
    assert.deepEqual(shown(client, id), ['stays', 'goes'])
  }
  assert.equal(last(bobs, id)?.disappearAfterMs, 1_500)
  assert.equal(last(bobs, id)?.me.unread, 2)
  for (const client of [anns, bobs]) {
    await until(client, 'it is gone', () => last(client, id)?.lastMessage?.deleted === true)
    assert.deepEqual(shown(client, id), ['stays', '-'])
    await settled(client)
  }
  assert.equal(last(bobs, id)?.me.unread, 1)
  for (const storage of [annKeeps, bobKeeps]) assert.doesNotMatch(await keptBy(storage), /goes/)
})

test('a device that holds the last of them only counts one less as each disappears', async (t) => {
  const parley = await openParley(t, SHORT)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const anns = await signIn(t, parley, ann)
  const bobs = device(t, parley)
  await bobs.login({ email: bob.email, password: PASSWORD })
  const { id } = await anns.createGroup('Tea', [bob.id])
  for (const afterMs of [1_000, 1_900, 2_800]) {
    await anns.setTimer(id, afterMs)
    await anns.send({ conversationId: id }, `for ${afterMs} ms`)
    await settled(anns)
  }
  const counts: (number | undefined)[] = []
  bobs.conversations.subscribe(() => {
    const unread = last(bobs, id)?.me.unread
    if (unread !== counts.at(-1)) counts.push(unread)
  })
  bobs.connect()
  await until(bobs, 'all are gone', () => counts.at(-1) === 0)
  // On a busy machine the first may have gone before the device was there.
  const [first = 0] = counts
  assert.ok(first > 0)
  assert.deepEqual(
    counts,
    Array.from({ length: first + 1 }, (_, n) => first - n),
  )
})

test('a device that was closed at the moment lets go of it when it is opened, without a network', async (t) => {
  const parley = await openParley(t, SHORT)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const anns = await signIn(t, parley, ann)
  const bobs = await signIn(t, parley, bob, { storage })
  const { id } = await anns.createGroup('Tea', [bob.id])
  await anns.setTimer(id, 700)
  await anns.send({ conversationId: id }, 'goes')
  await until(bobs, 'it is there', () => last(bobs, id)?.lastMessage?.text === 'goes')
  const { expiresAt = '' } = last(bobs, id)!.lastMessage!
  await settled(bobs)
  await bobs.close()
  assert.match(await keptBy(storage), /goes/)
  parley.reachable(false)
  await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt) - Date.now() + 20))
  const again = device(t, parley, { storage })
  await again.resume()
  await again
    .timeline(id)
    .open()
    .catch(() => {})
  assert.equal(last(again, id)?.lastMessage?.deleted, true)
  assert.ok(!shown(again, id).includes('goes'))
  await again.close()
  assert.doesNotMatch(await keptBy(storage), /goes/)
})

test('a device whose clock is wrong goes by the server’s, also before it is connected again', async () => {
  const storage = memoryStorage()
  const expired: number[] = []
  const me = { id: 'me', username: 'me', email: '', createdAt: '' }
  const device = { me, conversations: new Map(), expire: (now: number) => expired.push(now) } as unknown as Device
  const open = () => openExpiry({ device, storage, keeper })
  const keeper = openKeeper(storage)
  const first = open()
  await first.load()
  const ahead = 10 * 86_400_000
  first.heard(new Date(Date.now() + ahead).toISOString())
  assert.ok(Math.abs(first.now() - Date.now() - ahead) < 100)
  await keeper.flush()
  const again = open()
  await again.load()
  assert.ok(Math.abs(expired.at(-1)! - Date.now() - ahead) < 1_000)
  again.heard(new Date().toISOString())
  assert.ok(Math.abs(again.now() - Date.now()) < 100)
})

test('what is pinned is the same on every device, live', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [anns, bobs] = [await signIn(t, parley, ann), await signIn(t, parley, bob)]
  const { id } = await anns.createGroup('Tea', [bob.id])
  for (const text of ['one', 'two']) await anns.send({ conversationId: id }, text)
  await settled(anns)
  await anns.pin(id, 1, true)
  await anns.pin(id, 2, true)
  for (const client of [anns, bobs])
    await until(client, 'the pins', () => JSON.stringify(last(client, id)?.pinned) === '[1,2]')
  assert.deepEqual(
    (await bobs.pins(id)).map(({ text }) => text),
    ['one', 'two'],
  )
  await anns.pin(id, 1, false)
  await until(bobs, 'one is left', () => JSON.stringify(last(bobs, id)?.pinned) === '[2]')
  const refused = new Promise<string | undefined>((resolve) =>
    bobs.on('refused', (item) => resolve(item.refused?.code)),
  )
  await bobs.pin(id, 1, true)
  assert.equal(await refused, 'action.forbidden')
  assert.deepEqual(last(bobs, id)?.pinned, [2], 'it is taken back')
})
