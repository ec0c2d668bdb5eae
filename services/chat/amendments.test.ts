import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { ContactSide } from '@parley/protocol/contact'
import type { Entry } from '@parley/protocol/conversation'
import type { PublicUser } from '@parley/protocol/user'
import { type Reply, type TestChat, testChat } from './chat.fixture.ts'

interface Room {
  chat: TestChat
  id: string
  ann: PublicUser
  bob: PublicUser
  /** In the group from its start, as are ann, its owner, and bob. */
  cem: PublicUser
  eve: PublicUser
  send(user: PublicUser, text: string): Promise<Reply>
  edit(user: PublicUser, seq: number, text: string, key?: string): Promise<Reply>
  remove(user: PublicUser, seq: number, key?: string): Promise<Reply>
  react(user: PublicUser, seq: number, emoji: string, on?: boolean, key?: string): Promise<Reply>
  message(user: PublicUser, seq: number): Promise<Reply['body']>
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
  const path = `/api/conversations/${body.id}/messages`
  const keyed = (key: string | undefined) => (key ? { 'idempotency-key': key } : undefined)
  return {
    chat,
    id: body.id,
    ann,
    bob,
    cem,
    eve,
    send: (user, message) => chat.request(user, 'POST', '/api/messages/send', { receiverId: body.id, message }),
    edit: (user, seq, text, key) => chat.request(user, 'PATCH', `${path}/${seq}`, { text }, keyed(key)),
    remove: (user, seq, key) => chat.request(user, 'DELETE', `${path}/${seq}`, undefined, keyed(key)),
    react: (user, seq, emoji, on = true, key) =>
      chat.request(
        user,
        on ? 'PUT' : 'DELETE',
        `${path}/${seq}/reactions/${encodeURIComponent(emoji)}`,
        undefined,
        keyed(key),
      ),
    async message(user, seq) {
      const page = await chat.request(user, 'GET', `${path}?after=${seq - 1}&limit=1`)
      return page.body.items?.[0]
    },
  }
}

test('who wrote a message edits it; everyone sees that, and only the author sees what it was', async (t) => {
  const { chat, id, ann, bob, send, edit, message } = await room(t)
  const device = await chat.device(ann)
  await send(bob, 'helo')
  const { status, body } = await edit(bob, 1, 'hello')
  assert.equal(status, 200)
  assert.deepEqual(
    { seq: body.seq, rev: body.rev, conversationId: body.conversationId },
    { seq: 1, rev: 3, conversationId: id },
  )
  const { entry } = await device.next('conversation.updated')
  assert.equal(entry.kind, 'message.edited')
  assert.equal(entry.text, 'hello')
  const now = await message(ann, 1)
  assert.equal(now.text, 'hello')
  assert.equal(now.editedAt, body.createdAt)
  assert.equal(now.changedRev, 3)
  const history = `/api/conversations/${id}/messages/1/history`
  const versions = (await chat.request(bob, 'GET', history)).body.items
  assert.deepEqual(
    versions.map(({ text }: { text: string }) => text),
    ['helo', 'hello'],
  )
  assert.equal((await chat.request(ann, 'GET', history)).body.code, 'action.forbidden')
  const list = (await chat.request(ann, 'GET', `/api/conversations/${id}`)).body
  assert.equal(list.lastMessage.text, 'hello')
  assert.equal(list.rev, 3)
})

test('author and owner delete for everyone; nothing of it is told any more, and its first send is still known', async (t) => {
  const { chat, id, ann, bob, cem, edit, remove, react, message } = await room(t)
  const sent = { receiverId: id, message: 'secret', id: randomUUID() }
  const first = await chat.request(bob, 'POST', '/api/messages/send', sent)
  await edit(bob, 1, 'secret too')
  await react(cem, 1, '👍')
  assert.equal((await remove(cem, 1)).body.code, 'action.forbidden')
  assert.equal((await remove(ann, 1)).status, 200)
  const now = await message(cem, 1)
  assert.deepEqual([now.text, now.deleted, now.reactions, now.editedAt], ['', true, undefined, undefined])
  const log = await chat.request(cem, 'GET', `/api/conversations/${id}/log?after=0`)
  assert.doesNotMatch(JSON.stringify(log.body), /secret/)
  assert.equal(
    (await chat.request(bob, 'GET', `/api/conversations/${id}/messages/1/history`)).body.code,
    'action.forbidden',
  )
  assert.deepEqual(await chat.request(bob, 'POST', '/api/messages/send', sent), first)
  assert.equal((await edit(bob, 1, 'again')).body.code, 'action.forbidden')
  assert.equal((await react(cem, 1, '🎉')).body.code, 'action.forbidden')
  assert.equal((await remove(bob, 1)).status, 200, 'what is deleted may be deleted')
  const item = (await chat.request(cem, 'GET', `/api/conversations/${id}`)).body
  assert.equal(item.me.unread, 0, 'there is nothing to be read')
})

test('each member has one of each emoji, told with who set it', async (t) => {
  const { ann, bob, cem, send, react, message } = await room(t)
  await send(bob, 'hello')
  await Promise.all([react(ann, 1, '👍'), react(cem, 1, '👍'), react(ann, 1, '👩‍👩‍👧'), react(ann, 1, '👍')])
  await react(cem, 1, '❤️')
  await react(cem, 1, '❤️', false)
  const { reactions } = await message(bob, 1)
  const by = Object.fromEntries(reactions.map((r: { emoji: string; userIds: string[] }) => [r.emoji, r.userIds.sort()]))
  assert.deepEqual(by, { '👍': [ann.id, cem.id].sort(), '👩‍👩‍👧': [ann.id] })
})

test('only one emoji is a reaction, and a message has room for so many', async (t) => {
  const { ann, bob, send, react } = await room(t, { limits: { reactionEmoji: 2, reactionsPerMessage: 3 } })
  await send(bob, 'hello')
  for (const bad of ['x', '👍👍', ':)', ' ', '1', '👍 ', 'a👍'])
    assert.equal((await react(ann, 1, bad)).body.code, 'validation.failed', bad)
  assert.equal((await react(ann, 1, '👍')).status, 200)
  assert.equal((await react(ann, 1, '🎉')).status, 200)
  assert.equal((await react(bob, 1, '🔥')).body.code, 'action.forbidden')
  assert.equal((await react(bob, 1, '🎉')).status, 200)
  assert.equal((await react(bob, 1, '👍')).body.code, 'action.forbidden')
  assert.equal((await react(bob, 1, '🎉', false)).status, 200)
})

test('who may not see a message may do nothing with it, and is told that it is not there', async (t) => {
  const { chat, id, ann, bob, cem, eve, send, edit, remove, react, message } = await room(t)
  await send(bob, 'before eve')
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/members/${bob.id}`)
  await chat.request(ann, 'POST', `/api/conversations/${id}/members`, { userIds: [eve.id] })
  const stranger = chat.users.add('stranger')
  const eves = await chat.device(eve)
  for (const user of [stranger, bob, eve]) {
    const tries = [
      await edit(user, 1, 'mine'),
      await remove(user, 1),
      await react(user, 1, '👍'),
      await react(user, 1, '👍', false),
      await chat.request(user, 'GET', `/api/conversations/${id}/messages/1/history`),
    ]
    for (const { status, body } of tries) assert.deepEqual([status, body.code], [404, 'not_found'], user.username)
  }
  for (const tried of [await edit(cem, 1, 'mine'), await remove(cem, 1)])
    assert.equal(tried.body.code, 'action.forbidden')
  assert.equal((await react(cem, 9, '👍')).status, 404)
  assert.equal((await edit(cem, 0, 'x')).status, 400)
  // What happens to it now is not for eve, who joined later: not live, and not in her log.
  await react(cem, 1, '🎉')
  await send(ann, 'after eve')
  assert.equal((await eves.next('message.new')).text, 'after eve')
  assert.deepEqual(
    eves.told().filter(({ event }) => event === 'conversation.updated'),
    [],
  )
  const { items } = (await chat.request(eve, 'GET', `/api/conversations/${id}/log?after=0`)).body
  assert.deepEqual(
    items.map((entry: Entry) => entry.kind),
    ['members.added', 'message.hidden', 'message'],
  )
  assert.doesNotMatch(JSON.stringify(items), /🎉/u)
  assert.equal((await message(ann, 1)).reactions.length, 1)
})

test('a change sent again is the same change, whatever has happened since', async (t) => {
  const { chat, id, ann, bob, send, edit, remove, react, message } = await room(t)
  await send(bob, 'one')
  const keys = [randomUUID(), randomUUID(), randomUUID()] as const
  const first = await edit(bob, 1, 'two', keys[0])
  const on = await react(bob, 1, '👍', true, keys[1])
  await react(bob, 1, '👍', false)
  await edit(bob, 1, 'three')
  assert.deepEqual(await edit(bob, 1, 'two', keys[0]), first)
  assert.deepEqual(await react(bob, 1, '👍', true, keys[1]), on)
  assert.equal((await message(ann, 1)).text, 'three')
  assert.equal((await message(ann, 1)).reactions, undefined)
  assert.equal((await edit(bob, 1, 'four', keys[0])).body.code, 'idempotency.mismatch')
  const gone = await remove(bob, 1, keys[2])
  assert.deepEqual(await edit(bob, 1, 'two', keys[0]), first, 'after the deletion too')
  await chat.request(ann, 'DELETE', `/api/conversations/${id}/members/${bob.id}`)
  assert.deepEqual(await remove(bob, 1, keys[2]), gone, 'and after the removal')
  assert.equal((await edit(bob, 1, 'two', keys[0])).body.rev, first.body.rev)
  assert.equal((await remove(bob, 1)).status, 404)
})

test('edits that cross end with the last of the log, and a deletion beats them', async (t) => {
  const { chat, id, ann, bob, send, edit, remove, message } = await room(t)
  await send(bob, 'one')
  const replies = await Promise.all(['a', 'b', 'c', 'd'].map((text) => edit(bob, 1, text)))
  const last = replies.reduce((one, other) => (other.body.rev > one.body.rev ? other : one))
  assert.equal((await message(ann, 1)).text, 'abcd'[replies.indexOf(last)])
  await Promise.all([edit(bob, 1, 'late'), remove(ann, 1), edit(bob, 1, 'later')])
  assert.deepEqual([(await message(bob, 1)).text, (await message(bob, 1)).deleted], ['', true])
  assert.doesNotMatch(
    JSON.stringify((await chat.request(ann, 'GET', `/api/conversations/${id}/log?after=0`)).body),
    /late/,
  )
})

test('changes of messages count as sends do, and a message is edited only so often', async (t) => {
  const { bob, send, edit, remove } = await room(t, {
    limits: { editsPerMessage: 2, sendBurst: 4, sendsPerSecond: 0.001 },
  })
  await send(bob, 'one')
  assert.equal((await edit(bob, 1, 'a')).status, 200)
  assert.equal((await edit(bob, 1, 'b')).status, 200)
  assert.equal((await edit(bob, 1, 'c')).body.code, 'action.forbidden')
  assert.equal((await edit(bob, 1, ' ')).body.code, 'validation.failed')
  assert.equal((await remove(bob, 1)).status, 200)
  assert.equal((await remove(bob, 1)).body.code, 'rate.limited')
})

test('where one blocks the other neither edits or reacts, and each may still delete what was one’s own', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const sent = await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hello' })
  const path = `/api/conversations/${sent.body.conversationId}/messages/1`
  const side = ({ id }: PublicUser): ContactSide => {
    const blocks = id === bob.id
    return { userId: id, blocks, view: { status: 'none', blocked: blocks, rev: 1 }, tell: false }
  }
  const [low, high] = [ann, bob].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(side) as [ContactSide, ContactSide]
  const key = `${low.userId} ${high.userId}`
  const occurredAt = new Date().toISOString()
  await chat.bus.publish({
    id: randomUUID(),
    type: 'contact.changed',
    version: 1,
    occurredAt,
    key,
    rev: 1,
    data: { low, high },
  })
  const react = await chat.request(bob, 'PUT', `${path}/reactions/${encodeURIComponent('👍')}`)
  const edit = await chat.request(ann, 'PATCH', path, { text: 'hey' })
  assert.deepEqual([react.body.code, edit.body.code], ['action.forbidden', 'action.forbidden'])
  assert.equal((await chat.request(ann, 'DELETE', path)).status, 200)
})
