import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { PublicUser } from '@parley/protocol/user'
import { type Reply, testChat } from './chat.fixture.ts'

async function room(t: TestContext, options: Parameters<typeof testChat>[1] = {}) {
  const chat = await testChat(t, options)
  const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => chat.users.add(name)) as [
    PublicUser,
    PublicUser,
    PublicUser,
  ]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${body.id}`
  const say = (who: PublicUser, message: string, to: string = body.id): Promise<Reply> =>
    chat.request(who, 'POST', '/api/messages/send', { receiverId: to, message })
  const pin = async (who: PublicUser, seq: number, on = true) =>
    (await chat.request(who, on ? 'PUT' : 'DELETE', `${path}/messages/${seq}/pin`)).status
  const pins = async (who: PublicUser): Promise<string[]> =>
    (await chat.request(who, 'GET', `${path}/pins`)).body.items.map(({ text }: { text: string }) => text)
  const timer = (who: PublicUser, afterMs: unknown, at = path) => chat.request(who, 'PUT', `${at}/timer`, { afterMs })
  const read = async (who: PublicUser) => (await chat.request(who, 'GET', `${path}/messages`)).body.items
  return { chat, id: body.id as string, path, ann, bob, eve, say, pin, pins, timer, read }
}

test('who leads a group pins messages, everybody sees them as they are now, and the latest pinned stands last', async (t) => {
  const { chat, path, ann, bob, say, pin, pins } = await room(t)
  const device = await chat.device(bob)
  for (const text of ['one', 'two', 'three']) await say(ann, text)
  assert.deepEqual([await pin(bob, 1), await pin(ann, 1), await pin(ann, 3), await pin(ann, 9)], [403, 200, 200, 404])
  const { entry } = await device.next('conversation.updated')
  assert.deepEqual([entry.kind, entry.seq, entry.on], ['message.pinned', 1, true])
  assert.deepEqual(await pins(bob), ['one', 'three'])
  assert.deepEqual((await chat.request(bob, 'GET', path)).body.pinned, [1, 3])
  assert.equal(await pin(ann, 1), 200)
  await chat.request(ann, 'PATCH', `${path}/messages/3`, { text: 'third' })
  assert.deepEqual(await pins(bob), ['third', 'one'])
  await chat.request(ann, 'DELETE', `${path}/messages/1`)
  assert.deepEqual(await pins(bob), ['third'], 'what is deleted is not shown')
  assert.equal(await pin(ann, 3, false), 200)
  assert.deepEqual(await pins(bob), [])
  const key = { 'idempotency-key': randomUUID() }
  const first = await chat.request(ann, 'PUT', `${path}/messages/2/pin`, undefined, key)
  assert.deepEqual(await chat.request(ann, 'PUT', `${path}/messages/2/pin`, undefined, key), first)
  assert.equal((await chat.request(ann, 'DELETE', `${path}/messages/2/pin`, undefined, key)).status, 422)
})

test('what one has deleted for oneself is pinned for the others only', async (t) => {
  const { chat, path, ann, bob, say, pin, pins } = await room(t)
  for (const text of ['one', 'two']) await say(ann, text)
  assert.deepEqual([await pin(ann, 1), await pin(ann, 2)], [200, 200])
  assert.equal((await chat.request(bob, 'DELETE', `${path}/messages/1/mine`)).status, 200)
  assert.deepEqual([await pins(bob), await pins(ann)], [['two'], ['one', 'two']])
  assert.equal((await chat.request(bob, 'PUT', `${path}/messages/1/mine`)).status, 200)
  assert.deepEqual(await pins(bob), ['one', 'two'])
})

test('who joined later sees no pin of an older message, nor that there was one', async (t) => {
  const { chat, path, ann, bob, eve, say, pin, pins } = await room(t)
  await say(ann, 'before')
  await chat.request(ann, 'POST', `${path}/members`, { userIds: [eve.id] })
  const eves = await chat.device(eve)
  await say(ann, 'after')
  assert.deepEqual([await pin(ann, 1), await pin(ann, 2)], [200, 200])
  const { entry } = await eves.next('conversation.updated')
  assert.deepEqual([entry.kind, entry.seq], ['message.pinned', 2])
  assert.deepEqual([await pins(eve), await pins(bob)], [['after'], ['before', 'after']])
  assert.deepEqual((await chat.request(eve, 'GET', path)).body.pinned, [2])
  const { items } = (await chat.request(eve, 'GET', `${path}/log?after=0`)).body
  assert.deepEqual(
    items.slice(-2).map(({ kind }: { kind: string }) => kind),
    ['message.hidden', 'message.pinned'],
  )
})

test('both pin in a direct conversation, unless one has blocked the other, and at most so many', async (t) => {
  const { chat, ann, bob, say } = await room(t, { limits: { pinnedMessages: 2 } })
  const { body } = await say(ann, 'one', bob.id)
  for (const text of ['two', 'three', 'four']) await say(bob, text, ann.id)
  const path = `/api/conversations/${body.conversationId}`
  const pin = async (who: PublicUser, seq: number) =>
    (await chat.request(who, 'PUT', `${path}/messages/${seq}/pin`)).status
  assert.deepEqual([await pin(ann, 1), await pin(bob, 2), await pin(bob, 3), await pin(ann, 2)], [200, 200, 403, 200])
  await chat.request(ann, 'DELETE', `${path}/messages/1`)
  assert.equal(await pin(bob, 4), 200, 'what is deleted takes no place')
  assert.deepEqual((await chat.request(ann, 'GET', path)).body.pinned, [2, 4])
})

test('a timer lets what is sent from then on disappear, for everybody and from every answer', async (t) => {
  const { chat, id, path, ann, bob, say, timer, read, pin, pins } = await room(t, {
    limits: { disappearLeastMs: 1_000 },
  })
  const device = await chat.device(bob)
  await say(ann, 'stays')
  const set = await timer(ann, 1_500)
  assert.deepEqual([set.status, set.body.disappearAfterMs], [200, 1_500])
  const { entry } = await device.next('conversation.updated')
  assert.deepEqual([entry.kind, entry.disappearAfterMs], ['timer.changed', 1_500])
  const key = randomUUID()
  const send = () => chat.request(bob, 'POST', '/api/messages/send', { id: key, receiverId: id, message: 'goes' })
  const { status, body } = await send()
  assert.equal(status, 201)
  assert.equal(Date.parse(body.expiresAt) - Date.parse(body.createdAt), 1_500)
  await chat.request(bob, 'PATCH', `${path}/messages/2`, { text: 'goes, edited' })
  await chat.request(bob, 'PUT', `${path}/messages/2/star`)
  await pin(ann, 2)
  assert.deepEqual(await pins(bob), ['goes, edited'])
  assert.equal((await chat.request(ann, 'GET', path)).body.lastMessage.text, 'goes, edited')
  await new Promise((resolve) => setTimeout(resolve, Date.parse(body.expiresAt) - Date.now() + 5))
  const [stays, gone] = await read(ann)
  assert.equal(stays.text, 'stays')
  assert.deepEqual([gone.text, gone.deleted, gone.expiresAt, gone.edits], ['', true, body.expiresAt, undefined])
  assert.deepEqual(await pins(bob), [])
  assert.deepEqual((await chat.request(bob, 'GET', '/api/starred')).body.items, [])
  for (const what of [
    path,
    `${path}/messages`,
    `${path}/log?after=0`,
    '/api/sync',
    `/api/messages/get/${id}`,
    '/api/search?q=goes',
    '/api/starred',
  ])
    assert.doesNotMatch(JSON.stringify((await chat.request(bob, 'GET', what)).body), /goes/, what)
  assert.equal((await chat.request(bob, 'GET', `${path}/messages/2/history`)).status, 403)
  assert.equal((await chat.request(bob, 'PATCH', `${path}/messages/2`, { text: 'more' })).status, 403)
  assert.equal((await chat.request(ann, 'PUT', `${path}/messages/2/pin`)).status, 403)
  const again = await send()
  assert.deepEqual([again.body.seq, again.body.expiresAt], [2, body.expiresAt], 'a repeat has the first reply')
  assert.equal((await timer(ann, null)).body.disappearAfterMs, undefined)
  const { body: later } = await say(ann, 'stays too')
  assert.equal(later.expiresAt, undefined)
})

test('who does not lead a group sets no timer, both do in a direct conversation, and none is too short or too long', async (t) => {
  const { chat, ann, bob, eve, say, timer, path } = await room(t)
  const hour = 3_600_000
  assert.equal((await timer(bob, hour)).status, 403)
  assert.deepEqual((await timer(eve, hour)).status, 404)
  for (const bad of [hour - 1, 31_622_400_001, 0, -1, 1.5, '1h', undefined])
    assert.equal((await timer(ann, bad)).status, 400, String(bad))
  const { body } = await say(ann, 'hi', bob.id)
  const direct = `/api/conversations/${body.conversationId}`
  assert.equal((await timer(ann, hour, direct)).body.disappearAfterMs, hour)
  const before = (await timer(bob, 2 * hour, direct)).body
  assert.equal(before.disappearAfterMs, 2 * hour)
  assert.equal((await timer(ann, 2 * hour, direct)).body.rev, before.rev, 'what is so already is no change')
  assert.equal((await chat.request(ann, 'GET', path)).body.disappearAfterMs, undefined)
})

test('a message that was on its way while the timer changed is stored under the new one', async (t) => {
  const { chat, id, ann, bob, timer } = await room(t, { nodes: 2 })
  const [one, two] = [await chat.device(ann), await chat.device(bob, { node: 1 })]
  const send = (device: typeof one, n: number) =>
    device.ask('message.send', { id: randomUUID(), conversationId: id, text: `${n}` })
  const sends = Array.from({ length: 12 }, (_, n) => [send(one, n), send(two, n)]).flat()
  const [{ body }, ...replies] = await Promise.all([timer(ann, 7_200_000), ...sends])
  for (const { ok, data } of replies) {
    assert.ok(ok)
    assert.equal(data.expiresAt !== undefined, data.rev > body.membersRev)
  }
})

test('a timer that is set before anything was said tells the other nothing of it, and holds for the first message', async (t) => {
  const { chat, ann, bob, say, timer } = await room(t)
  const bobs = await chat.device(bob)
  const { body: direct } = await chat.request(ann, 'PUT', `/api/conversations/direct/${bob.id}`)
  assert.equal((await timer(ann, 3_600_000, `/api/conversations/${direct.id}`)).status, 200)
  assert.ok((await say(ann, 'the first', bob.id)).body.expiresAt)
  const { conversationId, expiresAt } = await bobs.next('message.new')
  assert.deepEqual([conversationId, typeof expiresAt], [direct.id, 'string'])
  assert.deepEqual(
    bobs.told().filter(({ event }) => event === 'conversation.updated'),
    [],
  )
})
