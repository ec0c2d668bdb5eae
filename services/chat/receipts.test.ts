import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import { testChat } from './chat.fixture.ts'
import type { Conversation } from './conversation.ts'
import type { Audience } from './fanout/audience.ts'
import { groupOf } from './membership/group.fixture.ts'
import { openReceipts } from './receipts.ts'

test('marks only rise, stay within what there is, and are told to the others and to one’s other devices', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, phone, laptop] = [await chat.device(ann), await chat.device(bob), await chat.device(bob)]
  const { data } = await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'one' })
  await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'two' })
  const { conversationId } = data
  assert.deepEqual((await phone.ask('receipt.delivered', { conversationId, upToSeq: 99 })).data, {
    deliveredSeq: 2,
    readSeq: 0,
  })
  for (const device of [anns, laptop])
    assert.deepEqual(await device.next('receipt.updated'), {
      conversationId,
      userId: bob.id,
      deliveredSeq: 2,
      readSeq: 0,
    })
  assert.deepEqual((await laptop.ask('receipt.read', { conversationId, upToSeq: 2 })).data, {
    deliveredSeq: 2,
    readSeq: 2,
  })
  assert.equal((await phone.next('receipt.updated')).readSeq, 2)
  assert.deepEqual((await phone.ask('receipt.read', { conversationId, upToSeq: 1 })).data, {
    deliveredSeq: 2,
    readSeq: 2,
  })
  const rest = await chat.request(bob, 'POST', `/api/conversations/${conversationId}/receipts`, { readSeq: 1 })
  assert.deepEqual(rest.body, { deliveredSeq: 2, readSeq: 2 })
})

test('unread is what others wrote above one’s mark, from the join on, the same wherever it is asked', async (t) => {
  const chat = await testChat(t, { limits: { unreadMax: 5, sendBurst: 1_000 } })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const say = (device: typeof anns) =>
    device.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'x' })
  const unread = async (user: typeof ann) =>
    (await chat.request(user, 'GET', `/api/conversations/${group.id}`)).body.me.unread
  for (let n = 0; n < 3; n++) await say(anns)
  await say(bobs)
  assert.equal(await unread(bob), 3)
  assert.equal(await unread(ann), 1)
  await bobs.ask('receipt.read', { conversationId: group.id, upToSeq: 2 })
  assert.equal(await unread(bob), 1)
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [cleo.id] })
  assert.equal(await unread(cleo), 0)
  for (let n = 0; n < 8; n++) await say(anns)
  assert.equal(await unread(cleo), 6)
  const { data } = await bobs.ask('sync', {})
  assert.equal(data.items[0].me.unread, await unread(bob))
})

test('in a group above the size where marks are shown, only one’s own devices hear of a mark', async (t) => {
  const chat = await testChat(t, { limits: { marksMembers: 2 } })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob.id, cleo.id],
  })
  assert.equal('marks' in group, false)
  assert.equal('members' in group, false)
  assert.equal(group.memberCount, 3)
  const [anns, phone, laptop] = [await chat.device(ann), await chat.device(bob), await chat.device(bob)]
  await anns.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'x' })
  await phone.ask('receipt.read', { conversationId: group.id, upToSeq: 1 })
  assert.equal((await laptop.next('receipt.updated')).readSeq, 1)
  assert.deepEqual(anns.told(), [])
})

test('in a group the first mark is told at once, and of what follows within the second only the latest of each member', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const group = groupOf(['ann', 'bob', 'cleo'])
  const { receipts, told } = recorded(group)
  const raise = (userId: string, deliveredSeq: number) =>
    receipts.raise(userId, { conversationId: group.id, deliveredSeq }, `${userId}'s socket`)
  for (const seq of [1, 2, 3]) await raise('bob', seq)
  await raise('cleo', 2)
  assert.deepEqual(told.splice(0), [
    "bob 1 to own but bob's socket",
    'bob 1 to others',
    "bob 2 to own but bob's socket",
    "bob 3 to own but bob's socket",
    "cleo 2 to own but cleo's socket",
  ])
  t.mock.timers.tick(1_000)
  assert.deepEqual(told.splice(0), ['bob 3 to others', 'cleo 2 to others'])
  await raise('bob', 4)
  assert.deepEqual(told.splice(0), ["bob 4 to own but bob's socket"])
  t.mock.timers.tick(1_000)
  assert.deepEqual(told.splice(0), ['bob 4 to others'])
  t.mock.timers.tick(1_000)
  await raise('ann', 4)
  assert.deepEqual(told, ["ann 4 to own but ann's socket", 'ann 4 to others'], 'at once after a quiet second')
  receipts[Symbol.dispose]()
})

test('marks that are told late are told to the members of then, going by the newest membership they were raised in', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const group = groupOf(['ann', 'bob', 'cleo', 'dan'])
  const { receipts, audiences, become } = recorded(group)
  await receipts.raise('ann', { conversationId: group.id, readSeq: 1 })
  await receipts.raise('bob', { conversationId: group.id, readSeq: 1 })
  become({ ...groupOf(['ann', 'bob', 'dan']), membersRev: 5 })
  await receipts.raise('dan', { conversationId: group.id, readSeq: 1 })
  audiences.length = 0
  t.mock.timers.tick(1_000)
  assert.deepEqual(audiences, [
    { conversationId: group.id, membersRev: 5, about: 'bob', shows: { what: 'receipts', of: 'bob' } },
    { conversationId: group.id, membersRev: 5, about: 'dan', shows: { what: 'receipts', of: 'dan' } },
  ])
  receipts[Symbol.dispose]()
})

test('closing gives up marks that wait to be told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const group = groupOf(['ann', 'bob', 'cleo'])
  const { receipts, told } = recorded(group)
  for (const readSeq of [1, 2]) await receipts.raise('ann', { conversationId: group.id, readSeq })
  told.length = 0
  receipts[Symbol.dispose]()
  t.mock.timers.tick(5_000)
  assert.deepEqual(told, [])
})

test('what members of a group are told of its marks in the end is what was marked', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const group = { title: 'G', memberIds: [bob.id, cleo.id] }
  const { id: conversationId } = (await chat.request(ann, 'POST', '/api/conversations', group)).body
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  for (let n = 0; n < 3; n++) await anns.ask('message.send', { id: randomUUID(), conversationId, text: 'x' })
  for (const upToSeq of [1, 2, 3]) await bobs.ask('receipt.read', { conversationId, upToSeq })
  let heard = await anns.next('receipt.updated')
  assert.deepEqual(heard, { conversationId, userId: bob.id, deliveredSeq: 1, readSeq: 1 })
  while (heard.readSeq < 3) heard = await anns.next('receipt.updated')
})

test('a former member learns nothing by a receipt, although the node has not heard of the removal', async (t) => {
  let old: Conversation | undefined
  const chat = await testChat(t, {
    // What another node may have cached.
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      log: {
        ...store.log,
        cachedConversation: async (id, membersRev = 0) =>
          old?.id === id && old.membersRev >= membersRev ? old : store.log.cachedConversation(id, membersRev),
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  old = await chat.store.log.findConversation(group.id)
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  const anns = await chat.device(ann)
  assert.equal((await anns.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'x' })).ok, true)
  const path = `/api/conversations/${group.id}/receipts`
  const told = await chat.request(bob, 'POST', path, { deliveredSeq: 99 })
  assert.equal(told.status, 404)
  assert.equal((await chat.request(ann, 'POST', path, { readSeq: 99 })).body.readSeq, 1)
})

/** Receipts of one conversation, where marks are stored as they are raised and what is told is noted. */
function recorded(conversation: Conversation) {
  let current = conversation
  const told: string[] = []
  const audiences: Audience[] = []
  const store = {
    log: { findConversation: async () => current, cachedConversation: async () => current },
    marks: {
      raise: async ({ userId = '', deliveredSeq = 0, readSeq = 0 }) => ({
        userId,
        deliveredSeq: Math.max(deliveredSeq, readSeq),
        readSeq,
        changed: true,
      }),
    },
  }
  const receipts = openReceipts(
    store,
    {
      event(_name, data, audience, { exceptSocket } = {}) {
        const { userId, deliveredSeq } = data as { userId: string; deliveredSeq: number }
        const whom = audience.only?.join() === userId ? 'own' : audience.about === userId ? 'others' : 'all'
        told.push(`${userId} ${deliveredSeq} to ${whom}${exceptSocket ? ` but ${exceptSocket}` : ''}`)
        audiences.push(audience)
        return undefined
      },
    },
    { apart: () => false },
    LIMITS,
  )
  const become = (changed: Conversation): void => {
    current = changed
  }
  return { receipts, told, audiences, become }
}
