import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { MessageEntry } from '@parley/protocol/conversation'
import { UNSET } from '@parley/protocol/settings'
import type { PublicUser } from '@parley/protocol/user'
import { type TestChat, testChat } from '../chat.fixture.ts'
import { until } from '../store/contract/world.ts'
import { type ChatStore, GONE_REV } from '../store/store.ts'
import { testUsers } from '../users.fixture.ts'

/** Long enough ago that no node lets the user do anything any more. */
const LONG_AGO = '2026-01-01T00:00:00.000Z'

async function say(chat: TestChat, who: PublicUser, receiverId: string, message: string) {
  const { status, body } = await chat.request(who, 'POST', '/api/messages/send', { receiverId, message })
  assert.equal(status, 201, JSON.stringify(body))
  return body as { conversationId: string; seq: number }
}

async function messagesOf(chat: TestChat, who: PublicUser, id: string): Promise<(MessageEntry & { sender: string })[]> {
  const { status, body } = await chat.request(who, 'GET', `/api/conversations/${id}/messages?limit=200`)
  assert.equal(status, 200)
  return body.items
}

/** Looks until all of it is done; rejects after 10 s. */
async function departed(chat: TestChat): Promise<void> {
  for (const late = AbortSignal.timeout(10_000); ; ) {
    if ((await chat.store.departures.open(10)).length === 0) return
    late.throwIfAborted()
    await pause(10)
  }
}

async function gone(chat: TestChat, who: PublicUser, messages: 'keep' | 'erase'): Promise<void> {
  chat.users.delete(who, { messages, at: LONG_AGO })
  const event = { id: randomUUID(), version: 1 as const, occurredAt: LONG_AGO, key: who.id, rev: 2 }
  await chat.bus.publish({ ...event, type: 'user.deleted', data: { id: who.id, messages, at: LONG_AGO } })
  await departed(chat)
}

test('who deletes the account leaves every group, which passes on, and is nobody in a direct conversation that stays', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob.id, cleo.id],
  })
  await say(chat, ann, group.id, 'from ann')
  const { conversationId: direct } = await say(chat, ann, bob.id, 'only for bob')
  await chat.request(ann, 'PATCH', `/api/conversations/${direct}/settings`, { draft: 'a secret begun' })
  const device = await chat.device(bob)
  await device.ask('presence.subscribe', { userIds: [ann.id] })
  const { data: before } = await device.ask('sync', {})
  await gone(chat, ann, 'keep')

  const { body: now } = await chat.request(bob, 'GET', `/api/conversations/${group.id}`)
  assert.deepEqual(
    now.members.map(({ userId, role }: { userId: string; role: string }) => [userId, role]),
    [
      [bob.id, 'owner'],
      [cleo.id, 'member'],
    ],
  )
  const { body: pair } = await chat.request(bob, 'GET', `/api/conversations/${direct}`)
  assert.equal(pair.title, '')
  assert.deepEqual(
    pair.members.filter(({ userId }: { userId: string }) => userId === ann.id),
    [{ userId: ann.id, username: '', role: 'member', deleted: true }],
  )
  for (const id of [group.id, direct])
    assert.deepEqual(
      (await messagesOf(chat, bob, id)).map(({ text, sender }) => [text, sender]),
      [[id === direct ? 'only for bob' : 'from ann', '']],
    )
  const news = { id: ann.id, username: '', viewRev: 0, deleted: true }
  assert.deepEqual(await device.next('user.changed'), news)
  const stay = { conversationId: direct, fromRev: 1 }
  assert.deepEqual(await chat.store.settings.read(ann.id, [stay]), [UNSET])
  await device.next('sync.hint')
  const { data: page } = await device.ask('sync', { cursor: before.cursor })
  assert.ok(page.items.some(({ id, title }: { id: string; title: string }) => id === direct && title === ''))
  for (const path of [`/api/conversations/direct/${ann.id}`])
    assert.equal((await chat.request(bob, 'PUT', path)).status, 200, 'what there is, one sees')
  assert.equal((await chat.request(cleo, 'PUT', `/api/conversations/direct/${ann.id}`)).status, 404)
  const add = { userIds: [ann.id] }
  assert.equal((await chat.request(bob, 'POST', `/api/conversations/${group.id}/members`, add)).status, 404)
})

test('of who has gone nobody is told when they were here and what they read: whether they kept it back is forgotten', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { conversationId: direct } = await say(chat, bob, ann.id, 'hello')
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  await chat.request(ann, 'POST', `/api/conversations/${direct}/receipts`, { readSeq: 1 })
  const seen = async () => (await bobs.ask('presence.subscribe', { userIds: [ann.id] })).data.items
  // Who goes before they were noted as here was never here.
  await until(async () => (await chat.store.presence.read([ann.id]))[0]?.online)
  await seen()
  anns.socket.disconnect()
  while ((await bobs.next('presence.changed')).online);
  const marks = async () => (await chat.request(bob, 'GET', `/api/conversations/${direct}`)).body.marks
  assert.deepEqual([(await marks()).length, typeof (await seen())[0].lastSeenAt], [1, 'string'])
  await gone(chat, ann, 'keep')
  assert.deepEqual([await marks(), await seen()], [[], [{ userId: ann.id, online: false }]])
})

test('messages that are to be erased are deleted for everyone, in groups that were left before too, and others’ stay', async (t) => {
  const chat = await testChat(t, { limits: { sendBurst: 2_000, sendsPerSecond: 2_000 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const { body: left } = await chat.request(bob, 'POST', '/api/conversations', { title: 'L', memberIds: [ann.id] })
  for (let i = 0; i < 260; i++) await say(chat, i % 2 ? bob : ann, group.id, `message ${i}`)
  await say(chat, ann, left.id, 'said before leaving')
  await chat.request(ann, 'PUT', `/api/conversations/${group.id}/messages/2/reactions/${encodeURIComponent('👍')}`)
  assert.equal((await chat.request(ann, 'DELETE', `/api/conversations/${left.id}/members/${ann.id}`)).status, 204)
  const { conversationId: direct } = await say(chat, ann, bob.id, 'for bob')
  await say(chat, bob, ann.id, 'for ann')
  const device = await chat.device(bob)
  await gone(chat, ann, 'erase')

  assert.equal((await device.next('conversation.updated')).entry.kind, 'message.deleted')
  const all = [...(await messagesOf(chat, bob, group.id)), ...(await messagesOf(chat, bob, direct))]
  for (const { senderId, deleted, text, reactions } of all) {
    assert.equal(deleted === true, senderId === ann.id)
    assert.equal(text === '', senderId === ann.id)
    assert.equal(reactions, undefined)
  }
  const [first] = (await messagesOf(chat, bob, left.id)).filter(({ seq }) => seq === 1)
  assert.equal(first?.deleted, true)
  const { body: oldest } = await chat.request(bob, 'GET', `/api/conversations/${group.id}/log?after=0&limit=200`)
  assert.ok(!JSON.stringify(oldest).includes('message 0'))
})

test('a departure that was begun goes on where it stood, and done twice it does nothing twice', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const groups: string[] = []
  for (let i = 0; i < 30; i++) {
    const { body } = await chat.request(bob, 'POST', '/api/conversations', { title: `G${i}`, memberIds: [ann.id] })
    groups.push(body.id)
    await say(chat, ann, body.id, 'from ann')
  }
  // Every node hears of it by the control log, one of them by the bus, too.
  await gone(chat, ann, 'erase')
  const again = { userId: ann.id, messages: 'erase' as const, at: LONG_AGO }
  await chat.store.departures.begin(again)
  assert.deepEqual(await chat.store.departures.open(10), [], 'nobody goes twice')
  for (const id of groups) {
    const { body } = await chat.request(bob, 'GET', `/api/conversations/${id}/log?after=0&limit=200`)
    const kinds = body.items.map(({ kind }: { kind: string }) => kind)
    assert.deepEqual(kinds, ['created', 'message', 'message.deleted', 'members.removed'])
  }
})

test('news of a registration that comes after the departure brings no name back', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { conversationId } = await say(chat, ann, bob.id, 'hello')
  await gone(chat, ann, 'keep')
  const event = { id: ann.id, version: 1 as const, occurredAt: LONG_AGO, key: ann.id, rev: 1 }
  await chat.bus.publish({ ...event, type: 'user.registered', data: { id: ann.id, username: 'ann' } })
  assert.equal((await messagesOf(chat, bob, conversationId))[0]?.sender, '')
  assert.deepEqual(await chat.store.people.find([ann.id]), [{ id: ann.id, username: '', rev: GONE_REV }])
})

test('to who has deleted the account nothing is sent any more; what was sent before is answered as before', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const [bobs, cleos] = [await chat.device(bob), await chat.device(cleo, { node: 1 })]
  const first = { id: randomUUID(), receiverId: ann.id, text: 'hello' }
  const acked = await bobs.ask('message.send', first)
  const { conversationId } = acked.data
  const { body: empty } = await chat.request(cleo, 'PUT', `/api/conversations/direct/${ann.id}`)
  await gone(chat, ann, 'keep')

  for (const node of [0, 1]) {
    const device = await chat.device(bob, { node })
    for (const to of [{ conversationId }, { receiverId: ann.id }]) {
      const { error } = await device.ask('message.send', { id: randomUUID(), text: 'still there?', ...to })
      assert.deepEqual([error.code, error.detail], ['action.forbidden', 'This person has deleted their account'])
    }
    assert.deepEqual(await device.ask('message.send', first), acked)
  }
  assert.equal((await messagesOf(chat, bob, conversationId)).length, 1)
  const told = async (to: object) => {
    const { requestId: _, ...error } = (await cleos.ask('message.send', { id: randomUUID(), text: 'x', ...to })).error
    return error
  }
  const nobody = await told({ receiverId: randomUUID() })
  assert.equal(nobody.code, 'not_found')
  assert.deepEqual(await told({ receiverId: ann.id }), nobody, 'who shared nothing with them')
  assert.deepEqual(await told({ conversationId: empty.id }), nobody, 'and to whom nothing was said')
})

test('a node that starts later knows who has gone', async (t) => {
  const users = testUsers()
  let store: ChatStore | undefined
  const before = await testChat(t, {
    users,
    store: (opened) => {
      store = opened
      return opened
    },
  })
  const [ann, bob] = [users.add('ann'), users.add('bob')]
  const { conversationId } = await say(before, bob, ann.id, 'hello')
  await gone(before, ann, 'keep')
  const after = await testChat(t, { users, store: () => store! })
  const body = { receiverId: conversationId, message: 'anyone?' }
  assert.equal((await after.request(bob, 'POST', '/api/messages/send', body)).body.code, 'action.forbidden')
})
