import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { ContactSide } from '@parley/protocol/contact'
import type { MessageEntry } from '@parley/protocol/conversation'
import type { PublicUser } from '@parley/protocol/user'
import { type Reply, type TestChat, testChat } from './chat.fixture.ts'

interface Room {
  chat: TestChat
  id: string
  /** Owns the group; bob and cem are in it from its start, eve is not. */
  ann: PublicUser
  bob: PublicUser
  cem: PublicUser
  eve: PublicUser
  send(user: PublicUser, message: string, more?: object): Promise<Reply>
  page(user: PublicUser, query?: string): Promise<Reply['body']>
  message(user: PublicUser, seq: number): Promise<MessageEntry>
  named(user: PublicUser, query?: string): Promise<number[]>
  mine(user: PublicUser): Promise<Reply['body']>
}

async function room(t: TestContext, options: Parameters<typeof testChat>[1] = {}): Promise<Room> {
  const chat = await testChat(t, options)
  const [ann, bob, cem, eve] = ['ann', 'bob', 'cem', 'eve'].map((name) => chat.users.add(name)) as [
    PublicUser,
    PublicUser,
    PublicUser,
    PublicUser,
  ]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id, cem.id] })
  const path = `/api/conversations/${body.id}`
  const page: Room['page'] = async (user, query = '') =>
    (await chat.request(user, 'GET', `${path}/messages${query}`)).body
  return {
    chat,
    id: body.id,
    ann,
    bob,
    cem,
    eve,
    send: (user, message, more) =>
      chat.request(user, 'POST', '/api/messages/send', { receiverId: body.id, message, ...more }),
    page,
    message: async (user, seq) => (await page(user, `?seqs=${seq}`)).items[0],
    named: async (user, query = '') => (await chat.request(user, 'GET', `${path}/mentions${query}`)).body.items,
    mine: async (user) => (await chat.request(user, 'GET', path)).body.me,
  }
}

const seqsOf = (messages: readonly MessageEntry[] | undefined): number[] => (messages ?? []).map(({ seq }) => seq)

test('a reply names what it answers, over HTTP and over the socket, and is told with it', async (t) => {
  const { chat, id, ann, bob, send, message } = await room(t)
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  await send(ann, 'a question')
  assert.equal((await bobs.next('message.new')).replyTo, undefined)
  assert.equal((await send(bob, 'an answer', { replyTo: 1 })).status, 201)
  assert.equal((await anns.next('message.new')).text, 'a question')
  assert.equal((await anns.next('message.new')).replyTo, 1)
  const ack = await anns.ask('message.send', { id: randomUUID(), conversationId: id, text: 'and another', replyTo: 2 })
  assert.deepEqual(Object.keys(ack.data).sort(), ['conversationId', 'createdAt', 'id', 'rev', 'seq'])
  assert.equal((await message(bob, 3)).replyTo, 2)
  for (const bad of [0, -1, 1.5, '1', null, 2 ** 53])
    assert.equal((await send(ann, 'x', { replyTo: bad })).body.code, 'validation.failed', String(bad))
  assert.equal((await send(ann, 'x', { forwarded: false })).body.code, 'validation.failed')
})

test('one answers only what one may see, and what is there', async (t) => {
  const { chat, id, ann, bob, eve, send, page } = await room(t)
  await send(ann, 'before eve')
  await chat.request(ann, 'POST', `/api/conversations/${id}/members`, { userIds: [eve.id] })
  await send(ann, 'after eve')
  for (const replyTo of [1, 9]) {
    const { status, body } = await send(eve, 'x', { replyTo })
    assert.deepEqual([status, body.code, body.detail], [404, 'not_found', 'There is no such message to answer'])
  }
  assert.equal((await send(eve, 'x', { replyTo: 2 })).status, 201)
  // Bob answers what eve may not see: she is told that it is an answer, and never of what.
  assert.equal((await send(bob, 'x', { replyTo: 1 })).status, 201)
  const seen = await page(eve, '?limit=1')
  assert.deepEqual([seqsOf(seen.items), seen.items[0].replyTo, seen.quoted], [[4], 1, undefined])
  assert.deepEqual(seqsOf((await page(bob, '?limit=1')).quoted), [1])
  assert.deepEqual(seqsOf((await page(eve, '?seqs=1,2,4,99')).items), [2, 4])
  assert.deepEqual(seqsOf((await page(bob, '?seqs=4,1,1')).items), [1, 4])
  const log = await chat.request(eve, 'GET', `/api/conversations/${id}/log?after=0`)
  assert.doesNotMatch(JSON.stringify([log.body, await page(eve)]), /before eve/)
  const stranger = chat.users.add('stranger')
  assert.equal((await chat.request(stranger, 'GET', `/api/conversations/${id}/messages?seqs=2`)).status, 404)
  assert.equal((await chat.request(stranger, 'GET', `/api/conversations/${id}/mentions`)).status, 404)
  assert.equal((await page(bob, '?seqs=1&before=2')).code, 'validation.failed')
  assert.equal((await page(bob, '?seqs=1,,2')).code, 'validation.failed')
})

test('a deleted message is answered no more; what answered it before shows that it is gone', async (t) => {
  const { chat, id, ann, bob, send, page, message } = await room(t)
  await send(ann, 'secret')
  await send(bob, 'answer', { replyTo: 1 })
  for (let n = 0; n < 3; n++) await send(ann, `${n}`)
  await chat.request(ann, 'PATCH', `/api/conversations/${id}/messages/1`, { text: 'edited secret' })
  assert.equal((await page(bob, '?after=1&limit=2')).quoted[0].text, 'edited secret', 'a quote is what it says now')
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/messages/1`)
  assert.equal((await send(bob, 'too late', { replyTo: 1 })).body.code, 'action.forbidden')
  const [quoted] = (await page(bob, '?after=1&limit=2')).quoted
  assert.deepEqual([quoted.text, quoted.deleted, quoted.sender], ['', true, 'ann'])
  await chat.request(bob, 'DELETE', `/api/conversations/${id}/messages/2`)
  assert.equal((await message(ann, 2)).replyTo, undefined)
})

test('what one has deleted for oneself is no quote on a page of one’s own, and still one to others', async (t) => {
  const { chat, id, ann, bob, send, page } = await room(t)
  await send(ann, 'secret')
  for (let n = 0; n < 3; n++) await send(ann, `${n}`)
  await send(bob, 'answer', { replyTo: 1 })
  await send(bob, 'another', { replyTo: 2 })
  const mine = (method: string) => chat.request(ann, method, `/api/conversations/${id}/messages/1/mine`)
  assert.equal((await mine('DELETE')).status, 200)
  assert.deepEqual(seqsOf((await page(ann, '?limit=2')).quoted), [2])
  assert.deepEqual(seqsOf((await page(bob, '?limit=2')).quoted), [1, 2])
  assert.equal((await mine('PUT')).status, 200)
  assert.deepEqual(seqsOf((await page(ann, '?limit=2')).quoted), [1, 2])
})

test('a reply that is sent again is the first one, whatever has become of what it answers; with another content it is a conflict', async (t) => {
  const { chat, id, ann, bob, send } = await room(t)
  await send(ann, 'one')
  await send(ann, 'two')
  const sent = { id: randomUUID(), replyTo: 1, forwarded: true }
  const first = await send(bob, 'answer', sent)
  assert.equal(first.status, 201)
  assert.deepEqual(await send(bob, 'answer', sent), first)
  for (const other of [{ ...sent, replyTo: 2 }, { id: sent.id, replyTo: 1 }, { id: sent.id }])
    assert.equal((await send(bob, 'answer', other)).body.code, 'message.id_conflict')
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/messages/1`)
  assert.deepEqual(await send(bob, 'answer', sent), first)
  const plain = { id: randomUUID() }
  const again = await send(bob, 'plain', plain)
  assert.equal((await send(bob, 'plain', { ...plain, forwarded: true })).body.code, 'message.id_conflict')
  assert.deepEqual(await send(bob, 'plain', plain), again)
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/members/${bob.id}`)
  assert.deepEqual(await send(bob, 'answer', sent), first, 'and after the removal')
})

test('a message that is sent again names whom it named, and disappears when it did, whoever has gone and whatever the timer is now', async (t) => {
  const { chat, id, ann, bob, cem, send, mine } = await room(t)
  const timer = (afterMs: number | null) => chat.request(ann, 'PUT', `/api/conversations/${id}/timer`, { afterMs })
  const lasting = { id: randomUUID() }
  assert.equal((await timer(3_600_000)).status, 200)
  const first = await send(ann, 'plain', lasting)
  assert.ok(first.body.expiresAt)
  assert.equal((await timer(null)).status, 200)
  assert.deepEqual(await send(ann, 'plain', lasting), first)
  const naming = { id: randomUUID() }
  const named = await send(cem, 'to @bob', naming)
  assert.deepEqual(named.body.mentions, [bob.id])
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/members/${bob.id}`)
  assert.deepEqual(await send(cem, 'to @bob', naming), named)
  const untold = { id: randomUUID() }
  const nobody = await send(cem, 'to @eve', untold)
  await chat.request(ann, 'POST', `/api/conversations/${id}/members`, { userIds: [chat.users.add('dan').id] })
  assert.deepEqual(await send(cem, 'to @eve', untold), nobody)
  assert.equal((await mine(ann)).unread, 2)
})

test('a message that is sent again after an edit is answered as it was sent; after its deletion it names nobody', async (t) => {
  const { chat, id, ann, bob, cem, send, message } = await room(t)
  const device = await chat.device(ann)
  const edit = (seq: number, text: string) =>
    chat.request(ann, 'PATCH', `/api/conversations/${id}/messages/${seq}`, { text })
  for (const [n, text] of ['to @bob', 'to @all', 'to nobody'].entries()) {
    const again = { id: randomUUID() }
    const first = await send(ann, text, again)
    const seq = n + 1
    for (const other of ['to @cem', 'nobody', 'to @bob and @cem']) {
      assert.equal((await edit(seq, other)).status, 200)
      assert.deepEqual(await send(ann, text, again), first, `${text}, then ${other}`)
    }
    const { data } = await device.ask('message.send', { id: again.id, conversationId: id, text })
    const { status: _, message: __, ...facts } = first.body
    assert.deepEqual(data, facts, 'over the socket, too')
    assert.deepEqual((await message(bob, seq)).mentions, [bob.id, cem.id], 'while the message is as it is now')
    await chat.request(ann, 'DELETE', `/api/conversations/${id}/messages/${seq}`)
    const { mentions: _named, mentionsAll: _all, ...rest } = first.body
    assert.deepEqual((await send(ann, text, again)).body, rest)
  }
})

test('replies of one device keep their place among its other messages', async (t) => {
  const { chat, id, ann, bob, send, page } = await room(t)
  await send(ann, 'one')
  const bobs = await chat.device(bob)
  const texts = Array.from({ length: 12 }, (_, n) => `${n} @ann`)
  const acks = await Promise.all(
    texts.map((text, n) =>
      bobs.ask('message.send', {
        id: randomUUID(),
        conversationId: id,
        text: n % 3 ? text : `${n}`,
        ...(n % 2 && { replyTo: 1 }),
      }),
    ),
  )
  assert.deepEqual(
    acks.map((ack) => ack.data.seq),
    texts.map((_, n) => n + 2),
  )
  const { items } = await page(ann)
  assert.deepEqual(
    items.slice(1).map(({ text }: MessageEntry) => Number.parseInt(text, 10)),
    texts.map((_, n) => n),
  )
})

test('the server finds whom a message names, and believes no client', async (t) => {
  const { chat, ann, bob, cem, eve, send, message, named, mine } = await room(t)
  const bobs = await chat.device(bob)
  const { body } = await send(ann, '@bob and @CEM, @eve, `@cem` me@bob @bob', { mentions: [eve.id], mentionsAll: true })
  assert.deepEqual(body.mentions, [bob.id, cem.id])
  const told = await bobs.next('message.new')
  assert.deepEqual([told.mentions, told.mentionsAll], [[bob.id, cem.id], undefined])
  assert.equal((await message(cem, 1)).mentionsAll, undefined)
  await send(bob, '@ann @bob')
  await send(bob, 'nobody')
  assert.deepEqual([await named(ann), await named(bob), await named(cem)], [[2], [1], [1]])
  assert.deepEqual(
    [(await mine(ann)).mentions, (await mine(bob)).mentions, (await mine(cem)).mentions],
    [1, 1, 1],
    'one does not count whom one names oneself',
  )
  await send(ann, '@bob')
  assert.deepEqual(await named(bob, '?after=1'), [4])
  assert.deepEqual(await named(bob, '?limit=1'), [1])
  await chat.request(bob, 'POST', `/api/conversations/${told.conversationId}/receipts`, { readSeq: 3 })
  const { unread, mentions } = await mine(bob)
  assert.deepEqual([unread, mentions], [1, 1])
})

test('everybody is named by those alone who may; from others it is text', async (t) => {
  const { ann, bob, cem, send, message, mine } = await room(t)
  await send(bob, '@all')
  assert.equal((await message(ann, 1)).mentionsAll, undefined)
  assert.equal((await mine(cem)).mentions, 0)
  await send(ann, '@All and @bob')
  assert.deepEqual([(await message(bob, 2)).mentionsAll, (await message(bob, 2)).mentions], [true, [bob.id]])
  assert.deepEqual([(await mine(ann)).mentions, (await mine(bob)).mentions, (await mine(cem)).mentions], [0, 1, 1])
})

test('an edit names anew, and what is deleted names nobody', async (t) => {
  const { chat, id, ann, bob, cem, send, named, mine, message } = await room(t)
  const bobs = await chat.device(bob)
  await send(ann, 'to @bob')
  await bobs.next('message.new')
  await chat.request(ann, 'PATCH', `/api/conversations/${id}/messages/1`, { text: 'to @cem' })
  assert.deepEqual((await bobs.next('conversation.updated')).entry.mentions, [cem.id])
  assert.deepEqual([await named(bob), await named(cem)], [[], [1]])
  assert.deepEqual([(await mine(bob)).mentions, (await mine(cem)).mentions], [0, 1])
  assert.deepEqual((await message(ann, 1)).mentions, [cem.id])
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/messages/1`)
  assert.deepEqual([await named(cem), (await mine(cem)).mentions], [[], 0])
})

test('whoever joins is named from then on, and who has left is nobody', async (t) => {
  const { chat, id, ann, bob, eve, send, named, mine, message } = await room(t)
  await send(ann, '@all before, and @eve')
  await chat.request(ann, 'POST', `/api/conversations/${id}/members`, { userIds: [eve.id] })
  assert.deepEqual([await named(eve), (await mine(eve)).mentions], [[], 0])
  await send(ann, '@eve')
  assert.deepEqual(await named(eve), [2])
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/members/${bob.id}`)
  await send(ann, '@bob')
  assert.equal((await message(ann, 3)).mentions, undefined)
})

test('mentions by people whom one has blocked do not count', async (t) => {
  const { chat, ann, bob, cem, send, named, mine } = await room(t)
  await send(bob, '@ann once')
  await send(cem, '@ann twice')
  const side = ({ id }: PublicUser): ContactSide => {
    const blocks = id === ann.id
    return { userId: id, blocks, view: { status: 'none', blocked: blocks, rev: 1 }, tell: false }
  }
  const [low, high] = [ann, bob].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(side) as [ContactSide, ContactSide]
  const event = { id: randomUUID(), type: 'contact.changed', version: 1, rev: 1, data: { low, high } } as const
  await chat.bus.publish({ ...event, occurredAt: new Date().toISOString(), key: `${low.userId} ${high.userId}` })
  assert.deepEqual([await named(ann), (await mine(ann)).mentions], [[2], 1])
  await send(ann, '@bob')
  assert.deepEqual(await named(bob), [3], 'the other way they do')
})

test('whoever pages finds every message that names one, however many come before it that do not count', async (t) => {
  const { chat, id, ann, bob, send } = await room(t, { limits: { unreadMax: 3, sendBurst: 100 } })
  for (let n = 1; n <= 9; n++) await send(ann, '@all')
  await send(bob, '@ann')
  for (let n = 11; n <= 16; n++) await send(ann, '@all')
  for (let n = 17; n <= 19; n++) await send(bob, '@ann')
  const pages: number[][] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const { body } = await chat.request(ann, 'GET', `/api/conversations/${id}/mentions?after=${after}&limit=2`)
    pages.push(body.items)
    assert.ok(body.nextAfter === undefined || body.nextAfter > after)
    after = body.nextAfter
  }
  assert.deepEqual(pages.flat(), [10, 17, 18, 19])
  assert.deepEqual(pages[0], [], 'of the first ones none counts')
})

test('a message names at most so many; the rest of them is text', async (t) => {
  const { chat, ann, bob, cem, send, message } = await room(t, { limits: { mentionsPerMessage: 1 } })
  await send(ann, '@bob @cem @bob')
  assert.deepEqual((await message(ann, 1)).mentions, [bob.id])
  const { body } = await chat.request(ann, 'POST', '/api/messages/send', {
    receiverId: cem.id,
    message: 'hi @cem @all',
  })
  assert.deepEqual(
    [body.mentions, body.mentionsAll],
    [[cem.id], undefined],
    'in a direct conversation too, but for @all',
  )
})
