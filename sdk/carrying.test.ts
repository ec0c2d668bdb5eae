import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fileStorage } from './file.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, texts, until } from './parley.fixture.ts'
import type { OutboxItem, ParleyClient, Quote } from './types.ts'

async function couple(t: TestContext) {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [ann, bob] = [await signIn(t, parley, annUser), await signIn(t, parley, bobUser)]
  const { id } = await ann.createGroup('Us', [bobUser.id])
  await settled(bob)
  return { parley, annUser, bobUser, ann, bob, id }
}

const messages = (client: ParleyClient, id: string) => client.timeline(id).get().messages
const quote = (client: ParleyClient, id: string, seq: number): Quote | undefined =>
  client.timeline(id).get().quotes.get(seq)
const shown = (found: Quote | undefined) =>
  typeof found === 'object' ? { text: found.text, deleted: found.deleted } : found
const mentions = (client: ParleyClient, id: string): number | undefined =>
  client.conversations.get().find((one) => one.id === id)?.me.mentions

/** Looks again whenever the timeline changes. */
async function seen(client: ParleyClient, id: string, what: string, holds: () => boolean): Promise<void> {
  const done = Promise.withResolvers<void>()
  const stop = client.timeline(id).subscribe(() => holds() && done.resolve())
  const late = setTimeout(() => done.reject(new Error(`not within 20 s: ${what}`)), 20_000)
  if (holds()) done.resolve()
  await done.promise.finally(() => {
    stop()
    clearTimeout(late)
  })
}

test('an answer shows what it answers as that is now, on both devices', async (t) => {
  const { ann, bob, id } = await couple(t)
  await ann.send({ conversationId: id }, 'helo')
  await settled(ann)
  await settled(bob)
  await texts(bob, id)
  await texts(ann, id)
  await bob.send({ conversationId: id }, 'hello to you', { replyTo: 1 })
  await settled(bob)
  await settled(ann)
  for (const client of [ann, bob]) {
    assert.equal(messages(client, id)[1]?.replyTo, 1)
    assert.deepEqual(shown(quote(client, id, 1)), { text: 'helo', deleted: undefined })
  }
  await ann.edit(messages(ann, id)[0]!, 'hello')
  assert.equal(shown(quote(ann, id, 1)) && (quote(ann, id, 1) as { text: string }).text, 'hello', 'at once')
  await seen(bob, id, 'the edit', () => JSON.stringify(shown(quote(bob, id, 1))) === '{"text":"hello"}')
  await ann.delete(messages(ann, id)[0]!)
  await seen(
    bob,
    id,
    'the deletion',
    () =>
      typeof quote(bob, id, 1) === 'object' &&
      shown(quote(bob, id, 1)) !== undefined &&
      (quote(bob, id, 1) as { deleted?: true }).deleted === true,
  )
})

test('what is answered far back is fetched once, and follows edits and deletions', { timeout: 60_000 }, async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t)
  for (let n = 1; n <= 120; n++) await ann.send({ conversationId: id }, `m${n}`)
  await settled(ann)
  await bob.send({ conversationId: id }, 'to the second', { replyTo: 2 })
  await bob.send({ conversationId: id }, 'to the third', { replyTo: 3 })
  await settled(bob)
  let asked = 0
  const counting: typeof fetch = (...request) => {
    if (String(request[0]).includes('seqs=')) asked++
    return fetch(...request)
  }
  const late = await signIn(t, parley, annUser, { fetch: counting })
  await late.timeline(id).open()
  await seen(late, id, 'the quotes', () => [2, 3].every((seq) => typeof quote(late, id, seq) === 'object'))
  assert.deepEqual(shown(quote(late, id, 2)), { text: 'm2', deleted: undefined })
  // The last message is there before the page that brings the other's quote along.
  assert.ok(asked <= 1, 'no more than one was asked for')
  const before = asked
  // One that comes live is asked for.
  await bob.send({ conversationId: id }, 'to the fifth', { replyTo: 5 })
  await bob.send({ conversationId: id }, 'to the fifth again', { replyTo: 5 })
  await seen(late, id, 'the quote', () => typeof quote(late, id, 5) === 'object')
  assert.equal(asked, before + 1)
  await texts(ann, id)
  const [second, third] = messages(ann, id).slice(1)
  await ann.edit(second!, 'm2, edited')
  await ann.delete(third!)
  await settled(ann)
  await seen(late, id, 'the edit', () => (quote(late, id, 2) as { text?: string }).text === 'm2, edited')
  await seen(late, id, 'the deletion', () => (quote(late, id, 3) as { deleted?: true }).deleted === true)
  // Who joins now sees that these are answers, and never to what.
  const cemUser = await register(t, parley, 'cem')
  await ann.addMembers(id, [cemUser.id])
  await bob.send({ conversationId: id }, 'to the sixth', { replyTo: 6 })
  await settled(bob)
  const cem = await signIn(t, parley, cemUser)
  await cem.timeline(id).open()
  assert.equal(quote(cem, id, 6), 'unseen')
})

test('what one has deleted for oneself is shown in no quote, at once, on every device of one’s own, and after a sync; others see it', async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t)
  await bob.send({ conversationId: id }, 'secret')
  for (let n = 2; n <= 70; n++) await bob.send({ conversationId: id }, `m${n}`)
  await bob.send({ conversationId: id }, 'about that', { replyTo: 1 })
  for (const client of [ann, bob]) await settled(client)
  const other = await signIn(t, parley, annUser)
  for (const client of [ann, bob, other]) {
    await client.timeline(id).open()
    await seen(client, id, 'the quote', () => shown(quote(client, id, 1)) !== 'loading')
    assert.deepEqual(shown(quote(client, id, 1)), { text: 'secret', deleted: undefined })
  }
  ann.conversation(id).hide([1])
  assert.equal(quote(ann, id, 1), 'hidden', 'at once')
  await seen(other, id, 'that it is hidden', () => quote(other, id, 1) === 'hidden')
  await settled(ann)
  const late = await signIn(t, parley, annUser)
  await late.timeline(id).open()
  await seen(late, id, 'that it is hidden', () => quote(late, id, 1) === 'hidden')
  assert.deepEqual(shown(quote(bob, id, 1)), { text: 'secret', deleted: undefined })
  ann.conversation(id).hide([1], false)
  for (const client of [ann, other, late])
    await seen(client, id, 'it again', () => JSON.stringify(shown(quote(client, id, 1))) === '{"text":"secret"}')
})

test('what is written offline keeps what it answers and that it was passed on, over a restart', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const folder = await mkdtemp(join(tmpdir(), 'parley-device-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'ann.jsonl')
  const ann = await signIn(t, parley, annUser, { storage: fileStorage(path) })
  await bob.send({ conversationId: id }, 'a question')
  await settled(bob)
  await until(ann, 'the question', () => ann.conversations.get()[0]?.headSeq === 1)
  await texts(ann, id)
  parley.reachable(false)
  await ann.send({ conversationId: id }, 'an answer', { replyTo: 1 })
  await ann.send({ conversationId: id }, 'news', { forwarded: true })
  await ann.send({ conversationId: id }, 'plain @bob')
  assert.deepEqual(shown(quote(ann, id, 1)), { text: 'a question', deleted: undefined }, 'shown while it waits')
  await ann.close()
  const again = device(t, parley, { storage: fileStorage(path) })
  await again.resume()
  assert.deepEqual(
    again.outbox.get().map(({ replyTo, forwarded, format }) => ({ replyTo, forwarded, format })),
    [
      { replyTo: 1, forwarded: undefined, format: 1 },
      { replyTo: undefined, forwarded: true, format: 1 },
      { replyTo: undefined, forwarded: undefined, format: undefined },
    ],
  )
  parley.reachable(true)
  again.connect()
  await settled(again)
  await settled(bob)
  await texts(again, id)
  await texts(bob, id)
  const carried = (client: ParleyClient) =>
    messages(client, id).map(({ text, replyTo, forwarded, mentions }) => ({ text, replyTo, forwarded, mentions }))
  assert.deepEqual(carried(again), carried(bob))
  const [, answer, news, plain] = carried(bob)
  assert.deepEqual([answer?.replyTo, news?.forwarded, plain?.mentions?.length], [1, true, 1])
})

test('an item that a newer client kept is left to it', async (t) => {
  const { parley, annUser, id } = await couple(t)
  const storage = memoryStorage()
  const first = await signIn(t, parley, annUser, { storage })
  const session = first.session.get()
  assert.ok(session.status === 'signed-in')
  parley.reachable(false)
  await first.send({ conversationId: id }, 'kept')
  const [[key, item] = ['', undefined]] = (await storage.list('')).filter(([name]) => name.includes('outbox'))
  assert.ok((item as OutboxItem).text === 'kept')
  await storage.write([[key, { ...(item as OutboxItem), format: 99 }]])
  // The same storage, as after a reload: this device may not close it with the first client.
  const second = device(t, parley, { storage: { ...storage, close: async () => {} } })
  await second.resume()
  assert.deepEqual(second.outbox.get(), [])
  assert.ok(await storage.get(key), 'and not thrown away')
})

test('mentions are counted as they come, read and go, and each device agrees with the server', async (t) => {
  const { parley, ann, bob, bobUser, id } = await couple(t)
  await ann.send({ conversationId: id }, 'hi @bob')
  await ann.send({ conversationId: id }, 'nobody')
  await ann.send({ conversationId: id }, '@all look')
  await settled(ann)
  await until(bob, 'two mentions', () => mentions(bob, id) === 2)
  assert.equal(mentions(ann, id), 0)
  assert.deepEqual(await bob.mentions(id, 0), [1, 3])
  assert.deepEqual(await bob.mentions(id, 1), [3])
  const fresh = await signIn(t, parley, bobUser)
  assert.equal(mentions(fresh, id), 2)
  await texts(ann, id)
  assert.ok(!messages(ann, id)[2]?.namesMe && messages(ann, id)[2]?.mentionsAll, 'its own device knows what it said')
  await ann.edit(messages(ann, id)[0]!, 'hi nobody')
  for (const client of [bob, fresh]) await until(client, 'one mention', () => mentions(client, id) === 1)
  await ann.edit(messages(ann, id)[1]!, 'hi @BOB')
  for (const client of [bob, fresh]) await until(client, 'two again', () => mentions(client, id) === 2)
  await texts(bob, id)
  assert.deepEqual(
    messages(bob, id).map(({ namesMe }) => namesMe),
    [false, true, true],
  )
  bob.markRead(id, 2)
  for (const client of [bob, fresh]) await until(client, 'the rest', () => mentions(client, id) === 1)
  await ann.delete(messages(ann, id)[2]!)
  for (const client of [bob, fresh]) await until(client, 'none', () => mentions(client, id) === 0)
})

test('an answer that was begun stays begun over a restart, shows what it is about, and ends with its sending', async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t)
  for (const text of ['one', 'two']) await bob.send({ conversationId: id }, text)
  await settled(bob)
  const storage = memoryStorage()
  const phone = await signIn(t, parley, annUser, { storage })
  await texts(phone, id)
  await texts(bob, id)
  assert.throws(() => phone.conversation('none').setAnswer(1), /no such conversation/)
  phone.conversation(id).setAnswer(2)
  phone.conversation(id).setAnswer(1)
  assert.equal(phone.timeline(id).get().answering?.seq, 1)
  await bob.edit(messages(bob, id)[0]!, 'first')
  const begun = (client: ParleyClient) => client.timeline(id).get().answering?.message
  const isFirst = (client: ParleyClient) => () => {
    const message = begun(client)
    return typeof message === 'object' && message.text === 'first'
  }
  await seen(phone, id, 'the edit', isFirst(phone))
  await phone.close()
  parley.reachable(false)
  const again = device(t, parley, { storage })
  await again.resume()
  assert.equal(again.timeline(id).get().answering?.seq, 1)
  parley.reachable(true)
  again.connect()
  await settled(again)
  await texts(again, id)
  await seen(again, id, 'what it is about', isFirst(again))
  await again.send({ conversationId: id }, 'no answer')
  assert.equal(again.timeline(id).get().answering?.seq, 1)
  await again.send({ conversationId: id }, 'an answer', { replyTo: 1 })
  assert.equal(again.timeline(id).get().answering, undefined)
  again.conversation(id).setAnswer(2)
  again.conversation(id).setAnswer(null)
  await settled(again)
  await again.close()
  assert.deepEqual(
    (await storage.list('')).filter(([key]) => key.includes('/answer/')),
    [],
  )
  assert.equal(ann.timeline(id).get().answering, undefined, 'it is of that device alone')
})
