import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fileStorage } from './file.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn, texts, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

async function couple(t: TestContext, env?: Record<string, string>) {
  const parley = await openParley(t, env)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [ann, bob] = [await signIn(t, parley, annUser), await signIn(t, parley, bobUser)]
  const { id } = await ann.openDirect(bobUser.id)
  await bob.openDirect(annUser.id)
  return { parley, annUser, bobUser, ann, bob, id }
}

const count = (client: ParleyClient): { texts: string[] } => {
  const seen = { texts: [] as string[] }
  client.on('message', ({ text }) => seen.texts.push(text))
  return seen
}

const numbers = (n: number): string[] => Array.from({ length: n }, (_, i) => `m${i + 1}`)

test('what is written offline is kept on the device, and sent in order by the next client', async (t) => {
  const { parley, annUser, bob } = await couple(t)
  const folder = await mkdtemp(join(tmpdir(), 'parley-device-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'ann.jsonl')
  const ann = await signIn(t, parley, annUser, { storage: fileStorage(path) })
  const { id } = await ann.openDirect((await ann.findUser('bob'))!.id)
  parley.reachable(false)
  for (const text of numbers(20)) await ann.send({ conversationId: id }, text)
  assert.equal(ann.timeline(id).get().pending.length, 20)
  assert.equal(ann.conversations.get()[0]?.pendingCount, 20)
  await ann.close()

  const again = device(t, parley, { storage: fileStorage(path) })
  assert.equal((await again.resume())?.username, 'ann')
  assert.deepEqual(
    again
      .timeline(id)
      .get()
      .pending.map(({ text, status }) => [text, status]),
    numbers(20).map((text) => [text, 'pending']),
  )
  parley.reachable(true)
  again.connect()
  await settled(again)
  await settled(bob)
  await until(bob, 'all', () => bob.conversations.get()[0]?.headSeq === 20)
  assert.deepEqual(await texts(again, id), numbers(20))
  assert.deepEqual(await texts(bob, id), numbers(20))
  assert.deepEqual(again.outbox.get(), [])
})

test('the server restarts in mid-conversation and nobody misses, doubles or reorders anything', async (t) => {
  const { parley, ann, bob, id } = await couple(t)
  const seen = { ann: count(ann), bob: count(bob) }
  for (const text of numbers(10)) await ann.send({ conversationId: id }, text)
  await until(bob, 'the first', () => seen.bob.texts.length > 0)
  const stopping = parley.stop()
  for (const text of numbers(10)) await bob.send({ conversationId: id }, `b-${text}`)
  await stopping
  for (const text of numbers(10)) await ann.send({ conversationId: id }, `later-${text}`)
  await parley.start()
  await until(ann, 'all', () => seen.ann.texts.length >= 30)
  await until(bob, 'all', () => seen.bob.texts.length >= 30)
  const order = await texts(ann, id)
  assert.deepEqual(await texts(bob, id), order)
  assert.deepEqual(seen.ann.texts, order)
  assert.deepEqual(seen.bob.texts, order)
  for (const prefix of ['m', 'b-m', 'later-m'])
    assert.deepEqual(
      order.filter((text) => text.replace(/\d+$/, '') === prefix),
      numbers(10).map((text) => prefix + text.slice(1)),
    )
})

test('connections are cut again and again while two people write, and both end with the same conversation', async (t) => {
  const { parley, ann, bob, id } = await couple(t)
  const seen = { ann: count(ann), bob: count(bob) }
  // Both hold the conversation from its beginning: of one that turns up later with a long history, only what is new arrives as an event.
  await ann.send({ conversationId: id }, 'first')
  await until(bob, 'the first', () => seen.bob.texts.length === 1)
  const cutting = setInterval(() => parley.cut(), 150)
  for (const text of numbers(40)) {
    await ann.send({ conversationId: id }, `a-${text}`)
    await bob.send({ conversationId: id }, `b-${text}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(ann, 'some got through', () => seen.bob.texts.length > 1)
  clearInterval(cutting)
  await until(ann, 'all', () => seen.ann.texts.length >= 81)
  await until(bob, 'all', () => seen.bob.texts.length >= 81)
  const order = await texts(ann, id)
  assert.deepEqual(await texts(bob, id), order)
  assert.equal(new Set(order).size, 81)
  assert.equal(order.length, 81)
  assert.deepEqual(seen.ann.texts, order)
  assert.deepEqual(seen.bob.texts, order)
})

test('an acknowledgement that is lost does not make a second message', async (t) => {
  const { parley, ann, bob, id } = await couple(t)
  const seen = { ann: count(ann), bob: count(bob) }
  const acked: string[] = []
  ann.on('acked', (reply) => acked.push(reply.id))
  const lost = parley.lose('"ok":true,"data":{"id"')
  const items = [await ann.send({ conversationId: id }, 'one'), await ann.send({ conversationId: id }, 'two')]
  await lost
  await until(ann, 'still waiting', () => ann.connection.get() !== 'live')
  await settled(ann)
  await until(bob, 'both', () => seen.bob.texts.length >= 2)
  assert.deepEqual(await texts(bob, id), ['one', 'two'])
  assert.deepEqual(await texts(ann, id), ['one', 'two'])
  assert.deepEqual(seen, { ann: { texts: ['one', 'two'] }, bob: { texts: ['one', 'two'] } })
  assert.deepEqual(
    acked,
    items.map((item) => item.id),
  )
})

test('300 messages written and received while offline all arrive, in order, within the rate that the server allows', async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t, { PARLEY_LIMIT_SENDS_PER_SECOND: '400' })
  await bob.send({ conversationId: id }, 'before')
  await settled(bob)
  const phone = await signIn(t, parley, annUser)
  assert.deepEqual(await texts(phone, id), ['before'])
  phone.disconnect()
  ann.disconnect()
  for (const text of numbers(300)) await ann.send({ conversationId: id }, text)
  ann.connect()
  await settled(ann)
  await until(bob, 'all', () => bob.conversations.get()[0]?.headSeq === 301)
  const expected = ['before', ...numbers(300)]
  assert.deepEqual(await texts(ann, id), expected)
  assert.deepEqual(await texts(bob, id), expected)
  phone.connect()
  await until(phone, 'all', () => phone.conversations.get()[0]?.headSeq === 301)
  assert.deepEqual(await texts(phone, id), expected)
  assert.equal(bob.conversations.get()[0]?.me.unread, 300)
})

test('a device that was away for very long begins anew at the head, and older messages come on demand', async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t, {
    PARLEY_LIMIT_SENDS_PER_SECOND: '5000',
    PARLEY_LIMIT_SEND_BURST: '5000',
  })
  const phone = await signIn(t, parley, annUser)
  await bob.send({ conversationId: id }, 'before')
  await until(phone, 'the first message', () => phone.conversations.get().length > 0)
  phone.disconnect()
  for (const text of numbers(620)) await bob.send({ conversationId: id }, text)
  await settled(bob)
  await until(ann, 'all', () => ann.conversations.get()[0]?.headSeq === 621)
  const seen = count(phone)
  phone.connect()
  await until(phone, 'all', () => phone.conversations.get()[0]?.headSeq === 621)
  await settled(phone)
  assert.deepEqual(seen.texts, ['m620'], 'only the newest entered')
  assert.equal(phone.conversations.get()[0]?.me.unread, 621)
  assert.equal(ann.conversations.get()[0]?.me.unread, 621)
  assert.deepEqual(await texts(phone, id), ['before', ...numbers(620)])
  // Read half of it on one device: both count the same.
  phone.markRead(id, 300)
  assert.equal(phone.conversations.get()[0]?.me.unread, 321)
  await settled(phone)
  await until(ann, 'the other device knows', () => ann.conversations.get()[0]?.me.readSeq === 300)
  await settled(ann)
  assert.equal(ann.conversations.get()[0]?.me.unread, 321)
})

test('what was read offline is told when the device is back, also by another client on the same storage', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  for (const text of numbers(5)) await bob.send({ conversationId: id }, text)
  await until(ann, 'all arrived', () => ann.conversations.get()[0]?.headSeq === 5)
  ann.disconnect()
  ann.markRead(id, 3)
  ann.markRead(id, 2)
  assert.equal(ann.conversations.get()[0]?.me.unread, 2)
  await ann.close()
  const again = device(t, parley, { storage })
  await again.resume()
  assert.equal(again.conversations.get()[0]?.me.unread, 2)
  assert.deepEqual((await texts(again, id)).slice(-5), numbers(5), 'what was received is still there')
  again.connect()
  await settled(again)
  await until(bob, 'he sees it', () => bob.conversations.get()[0]?.marks?.[0]?.readSeq === 3)
  const other = await signIn(t, parley, annUser)
  assert.equal(other.conversations.get()[0]?.me.unread, 2)
})

test('a device that resumes without a network shows what it holds', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  for (const text of numbers(3)) await bob.send({ conversationId: id }, text)
  await until(ann, 'all arrived', () => ann.conversations.get()[0]?.headSeq === 3)
  await ann.close()
  parley.reachable(false)
  const again = device(t, parley, { storage })
  assert.equal((await again.resume())?.username, 'ann')
  again.connect()
  assert.deepEqual(await texts(again, id), numbers(3))
  await assert.rejects(again.login({ email: annUser.email, password: PASSWORD }), (error: { problem?: unknown }) => {
    assert.equal((error.problem as { code: string }).code, 'unavailable')
    return true
  })
})
